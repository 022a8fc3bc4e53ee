"""Krum and multi-Krum of random cohorts, pinned in krum.json for test/server/aggregation/oracle.test.ts.

Written from Blanchard et al. 2017 (arXiv 1703.02757, section 4), not from server/aggregation: all differences at once
by broadcasting in float64, the diagonal struck out by index, lexsort by (score, client id). Only random.random() feeds
the cases, whose stream Python promises to keep. "exact" cases lie on a coarse grid, where every float64 sum is exact
and scores tie often; the others are arbitrary float32 values.
Run with Python 3.11, numpy 2.4.6:  python3 test/oracles/krum.py > test/oracles/krum.json
"""
import json
import random

import numpy as np


def krum_scores(x, f):
    n = len(x)
    squared = ((x[:, None, :] - x[None, :, :]) ** 2).sum(axis=-1)
    others = squared[~np.eye(n, dtype=bool)].reshape(n, n - 1)
    return np.sort(others, axis=1)[:, : n - f - 2].sum(axis=1)


def mean_of(rows):
    total = np.zeros(rows.shape[1])
    for row in rows:
        total = total + row
    return (total / len(rows)).astype(np.float32)


def case(rng, exact):
    f = int(rng.random() * 4)
    n = 2 * f + 3 + int(rng.random() * 6)
    d = 1 + int(rng.random() * (4 if exact else 10))
    draw = (lambda: float(int(rng.random() * 9) - 4) / 2) if exact else (lambda: rng.random() * 20 - 10)
    x = np.array([[draw() for _ in range(d)] for _ in range(n)], dtype=np.float32)
    if not exact:
        for liar in range(f):
            x[liar] = np.float32(30 + rng.random())
    # Ids in an order of their own, so that the order of arrival decides nothing.
    ids = sorted((f"{int(rng.random() * 2**48):064x}" for _ in range(n)), key=lambda _: rng.random())
    wide = x.astype(np.float64)
    scores = krum_scores(wide, f)
    ranking = np.lexsort((np.array(ids), scores))
    m = 1 + int(rng.random() * (n - f - 2))
    in_id_order = lambda chosen: sorted(chosen, key=lambda i: ids[i])
    picks = {name: in_id_order(ranking[:k]) for name, k in {"krum": 1, "default": n - f - 2, "fixed": m}.items()}
    return {
        "exact": exact,
        "f": f,
        "m": m,
        "updates": [{"client": c, "values": row} for c, row in zip(ids, wide.tolist())],
        "scores": scores.tolist(),
        "selected": {name: [ids[i] for i in chosen] for name, chosen in picks.items()},
        "aggregate": {name: mean_of(wide[chosen]).tolist() for name, chosen in picks.items()},
    }


if __name__ == "__main__":
    rng = random.Random(20170307)
    print("[")
    print(",\n".join(json.dumps(case(rng, exact=i % 2 == 0)) for i in range(30)))
    print("]")
