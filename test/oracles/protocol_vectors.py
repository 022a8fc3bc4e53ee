"""What a client of protocol version 1 signs and sends, for the tests of shared/protocol and for clients in other
languages; pinned in protocol_vectors.json.

Written from the documents, not from shared/: canonical JSON by json.dumps with sorted keys (RFC 8785; Python's shortest
floats are ECMAScript's for the figures used here, which are not whole), Ed25519 by the formulas of RFC 8032, section
5.1, over Python's integers, a safetensors file by struct, the ledger's tree and its proofs by the recursive definitions
of RFC 6962, section 2.1, a checkpoint by the documents of C2SP (tlog-checkpoint, signed-note).
Run with Python 3.11, no packages:  python3 test/oracles/protocol_vectors.py > test/oracles/protocol_vectors.json
"""
import base64
import hashlib
import json
import struct

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
SEED = bytes([7] * 32)
LEDGER_SEED = bytes([9] * 32)


def add(a, b):
    (x1, y1), (x2, y2) = a, b
    k = D * x1 * x2 * y1 * y2 % P
    return ((x1 * y2 + x2 * y1) * pow(1 + k, P - 2, P) % P, (y1 * y2 + x1 * x2) * pow(1 - k, P - 2, P) % P)


def times(n, point):
    total = (0, 1)
    for bit in bin(n)[2:]:
        total = add(total, total)
        if bit == "1":
            total = add(total, point)
    return total


def base_point():
    y = 4 * pow(5, P - 2, P) % P
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    return (x if x % 2 == 0 else P - x, y)


BASE = base_point()


def encoded(point):
    return (point[1] | (point[0] & 1) << 255).to_bytes(32, "little")


def secret_scalar(seed):
    digest = hashlib.sha512(seed).digest()
    return (int.from_bytes(digest[:32], "little") & (2**254 - 8)) | 2**254, digest[32:]


def number(data):
    return int.from_bytes(hashlib.sha512(data).digest(), "little") % L


def sign(seed, message):
    a, prefix = secret_scalar(seed)
    public = encoded(times(a, BASE))
    r = number(prefix + message)
    commitment = encoded(times(r, BASE))
    s = (r + number(commitment + public + message) * a) % L
    return (commitment + s.to_bytes(32, "little")).hex()


def canonical(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def safetensors():
    # Not canonical JSON: the order of a header's keys is the writer's, and this is Muster's.
    header = '{"b":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}'
    header += " " * (-len(header) % 8)
    return struct.pack("<Q", len(header)) + header.encode() + struct.pack("<2f", 1.5, -0.1)


def sha256(message):
    return hashlib.sha256(message).digest()


def entries(count):
    """A ledger's rows: each names the hash of the one before it, the first one zeros."""
    rows = []
    previous = "0" * 64
    for sequence in range(1, count + 1):
        event = {"type": "federation-founded", "model": "ba" * 32} if sequence == 1 else {"type": "verdict", "ward": "Süd"}
        place = {"sequence": sequence, "federation": "digits", "at": "2026-03-01T12:00:00.000Z", "previous": previous}
        rows.append(canonical({**event, **place}))
        previous = leaf(rows[-1]).hex()
    return rows


def leaf(row):
    return sha256(b"\0" + row.encode())


def split(rows):
    """Left of the largest power of two smaller than their number, and the rest."""
    k = 1 << (len(rows) - 1).bit_length() - 1
    return rows[:k], rows[k:]


def root(rows):
    if len(rows) == 1:
        return leaf(rows[0])
    left, right = split(rows)
    return sha256(b"\1" + root(left) + root(right))


def inclusion(index, rows):
    if len(rows) == 1:
        return []
    left, right = split(rows)
    if index < len(left):
        return inclusion(index, left) + [root(right).hex()]
    return inclusion(index - len(left), right) + [root(left).hex()]


def consistency(size, rows, whole=True):
    if size == len(rows):
        return [] if whole else [root(rows).hex()]
    left, right = split(rows)
    if size <= len(left):
        return consistency(size, left, whole) + [root(right).hex()]
    return consistency(size - len(left), right, False) + [root(left).hex()]


def note(seed, rows):
    origin = "muster/digits"
    public = encoded(times(secret_scalar(seed)[0], BASE))
    text = f"{origin}\n{len(rows)}\n{base64.b64encode(root(rows)).decode()}\n"
    key_id = sha256(origin.encode() + b"\n\x01" + public)[:4]
    signed = base64.b64encode(key_id + bytes.fromhex(sign(seed, text.encode()))).decode()
    return f"{text}\n— {origin} {signed}\n"


def ledger():
    rows = entries(7)
    return {
        "seed": LEDGER_SEED.hex(),
        "publicKey": encoded(times(secret_scalar(LEDGER_SEED)[0], BASE)).hex(),
        "entries": rows,
        "hashes": [leaf(row).hex() for row in rows],
        "held": {"size": 5, "root": root(rows[:5]).hex(), "note": note(LEDGER_SEED, rows[:5])},
        "newest": {"size": 7, "root": root(rows).hex(), "note": note(LEDGER_SEED, rows)},
        "consistency": consistency(5, rows),
        "inclusion": {"index": 0, "proof": inclusion(0, rows)},
    }


def vectors():
    public = encoded(times(secret_scalar(SEED)[0], BASE))
    update = safetensors()
    envelope = {
        "protocolVersion": 1,
        "federation": "digits",
        "client": hashlib.sha256(public).hexdigest(),
        "round": 12,
        "baseModelDigest": "ba" * 32,
        "updateDigest": hashlib.sha256(update).hexdigest(),
        "byteLength": len(update),
        "schemaDigest": hashlib.sha256(canonical([{"name": "b", "shape": [2]}]).encode()).hexdigest(),
        "privacy": {"noiseMultiplier": 1.0312, "samplingRate": 0.1, "clippingNormL2": 1.5, "steps": 10},
        "checkpoint": {"size": 5, "root": root(entries(5)).hex()},
        "nonce": "0123456789abcdef" * 2,
    }
    join = {
        "federation": "digits",
        "protocolVersion": 1,
        "challenge": "c4" * 32,
        "audience": "https://fl.example.org",
        "publicKey": public.hex(),
        "name": "Ward 7 “Süd”",
    }
    envelope_text = "muster/update-envelope/v1\n" + canonical(envelope)
    join_text = canonical({"domain": "muster/join/v1", **join})
    spent = {"federation": "digits", "client": hashlib.sha256(public).hexdigest(), "rounds": [6, 7, 12]}
    spent_text = canonical({"domain": "muster/spent-rounds/v1", **spent})
    return {
        "seed": SEED.hex(),
        "publicKey": public.hex(),
        "clientId": hashlib.sha256(public).hexdigest(),
        "update": update.hex(),
        "envelope": {"message": envelope, "signed": envelope_text, "signature": sign(SEED, envelope_text.encode())},
        "join": {"message": join, "signed": join_text, "signature": sign(SEED, join_text.encode())},
        "spent": {"message": spent, "signed": spent_text, "signature": sign(SEED, spent_text.encode())},
        "ledger": ledger(),
    }


if __name__ == "__main__":
    print(json.dumps(vectors(), indent=1, ensure_ascii=False))
