"""Merkle trees of ledger rows with some of their proofs, and one signed checkpoint, for the tests of shared/ledger; pinned
in merkle.json.

Written from the documents, not from shared/: MTH, PATH, PROOF and SUBPROOF are the recursions of RFC 6962, section 2.1,
over lists; the checkpoint is that of C2SP tlog-checkpoint and signed-note, with the Ed25519 of protocol_vectors.py.
Run with Python 3.11, no packages:  python3 test/oracles/merkle.py > test/oracles/merkle.json
"""
import base64
import hashlib
import json
import sys

sys.dont_write_bytecode = True
from protocol_vectors import BASE, SEED, encoded, secret_scalar, sign, times

LARGEST = 20
ORIGIN = "muster/digits"
ROWS = [json.dumps({"sequence": i + 1, "ward": "Süd"}, separators=(",", ":"), ensure_ascii=False) for i in range(LARGEST)]


def sha256(message):
    return hashlib.sha256(message).digest()


def below(n):
    """The largest power of two smaller than n."""
    k = 1
    while 2 * k < n:
        k *= 2
    return k


def mth(d):
    if not d:
        return sha256(b"")
    if len(d) == 1:
        return sha256(b"\0" + d[0].encode())
    k = below(len(d))
    return sha256(b"\1" + mth(d[:k]) + mth(d[k:]))


def path(m, d):
    if len(d) == 1:
        return []
    k = below(len(d))
    return path(m, d[:k]) + [mth(d[k:])] if m < k else path(m - k, d[k:]) + [mth(d[:k])]


def subproof(m, d, known):
    if m == len(d):
        return [] if known else [mth(d)]
    k = below(len(d))
    if m <= k:
        return subproof(m, d[:k], known) + [mth(d[k:])]
    return subproof(m - k, d[k:], False) + [mth(d[:k])]


def hexes(hashes):
    return [h.hex() for h in hashes]


def some(candidates):
    return sorted(set(candidates))


def checkpoint(size):
    public = encoded(times(secret_scalar(SEED)[0], BASE))
    text = f"{ORIGIN}\n{size}\n{base64.b64encode(mth(ROWS[:size])).decode()}\n"
    key_id = sha256(ORIGIN.encode() + b"\n\1" + public)[:4]
    signature = key_id + bytes.fromhex(sign(SEED, text.encode()))
    note = f"{text}\n— {ORIGIN} {base64.b64encode(signature).decode()}\n"
    return {"seed": SEED.hex(), "publicKey": public.hex(), "origin": ORIGIN, "size": size, "note": note}


def vectors():
    sizes = range(1, LARGEST + 1)
    return {
        "rows": ROWS,
        "leaves": hexes(mth([row]) for row in ROWS),
        "roots": hexes(mth(ROWS[:size]) for size in range(LARGEST + 1)),
        "inclusion": [
            {"index": m, "size": n, "proof": hexes(path(m, ROWS[:n]))}
            for n in sizes
            for m in some([0, n // 3, n - 1])
        ],
        "consistency": [
            {"from": m, "to": n, "proof": hexes(subproof(m, ROWS[:n], True))}
            for n in sizes
            for m in some([1, (n + 1) // 2, max(n - 2, 1), n])
        ],
        "checkpoint": checkpoint(LARGEST),
    }


if __name__ == "__main__":
    print(json.dumps(vectors(), indent=1, ensure_ascii=False))
