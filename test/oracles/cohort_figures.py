"""Figures of small random cohorts, pinned in cohort_figures.json for test/server/update/anomaly/cohort-figures.test.ts.

Written from the definitions, not from server/update/anomaly: the median of the others by deleting each row in turn and
np.median, the top singular vector by np.linalg.svd of the centred matrix, distances and cosines from the vectors
themselves. Only random.random() feeds the cases, whose stream Python promises to keep. Every cohort has a direction in
which it spreads clearly most, as otherwise the top singular vector is not determined.
Run with Python 3.11, numpy 2.4.6:  python3 test/oracles/cohort_figures.py > test/oracles/cohort_figures.json
"""
import json
import random

import numpy as np


def robust_z(x):
    x = np.asarray(x, dtype=np.float64)
    centre = np.median(x)
    mad = np.median(np.abs(x - centre))
    return 0.6745 * (x - centre) / max(mad, 1e-6 * abs(centre), 1e-12)


def cosine(a, b):
    norms = np.linalg.norm(a) * np.linalg.norm(b)
    return 0.0 if norms == 0 else float(a @ b / norms)


def figures(x, digests, previous, s):
    n, d = x.shape
    to_median = [cosine(x[i], np.median(np.delete(x, i, axis=0), axis=0)) for i in range(n)]
    shares = [float((row > 0).sum() / (row != 0).sum()) for row in x]
    u, singular, _ = np.linalg.svd(x - x.mean(axis=0), full_matrices=False)
    assert singular[1] / singular[0] < 0.9
    projections = (u[:, 0] * singular[0]) ** 2
    columns = {
        "normZ": robust_z(np.linalg.norm(x, axis=1)),
        "cosineToMedian": to_median,
        "cosineToMedianZ": robust_z(to_median),
        "cosineToPrevious": [None if previous is None else cosine(row, previous) for row in x],
        "positiveShare": shares,
        "signZ": robust_z(shares),
        "nearDuplicates": [
            sum(j != i and (digests[i] == digests[j] or cosine(x[i], x[j]) > 0.999) for j in range(n)) for i in range(n)
        ],
        "pairRatio": [
            None if s is None else min(((x[i] - x[j]) ** 2).sum() for j in range(n) if j != i) / (2 * d * s * s)
            for i in range(n)
        ],
        "spectralZ": robust_z(projections),
    }
    plain = lambda v: v if v is None or isinstance(v, int) else float(v)
    return [{name: plain(column[i]) for name, column in columns.items()} for i in range(n)]


def case(rng, number):
    n = 3 + int(rng.random() * 9)
    d = 12 + int(rng.random() * 20)
    normal = lambda: sum(rng.random() for _ in range(12)) - 6
    common = np.array([normal() for _ in range(d)])
    spread = np.array([normal() for _ in range(d)])
    x = np.array([[normal() for _ in range(d)] for _ in range(n)]) * 0.3 + common
    x += np.outer([2 * normal() for _ in range(n)], spread)
    x[0, :4] = 0  # no sign
    if number % 3 == 0:
        x[n - 1] = x[n - 2] * 2 + 0.001  # nearly one direction
    x = x.astype(np.float32).astype(np.float64)
    # Ids in an order of their own, so that the order of arrival decides nothing.
    ids = sorted((f"{int(rng.random() * 2**48):064x}" for _ in range(n)), key=lambda _: rng.random())
    digests = [f"{i:064x}" for i in range(n)]
    if number % 4 == 0:
        x[1], digests[1] = x[2], digests[2]
    previous = np.array([normal() for _ in range(d)], dtype=np.float32).astype(np.float64) if number % 2 else None
    s = None if number % 5 == 0 else 0.25
    return {
        "noiseStdDev": s,
        "previousStep": None if previous is None else previous.tolist(),
        "updates": [{"client": c, "digest": e, "values": row} for c, e, row in zip(ids, digests, x.tolist())],
        "figures": figures(x, digests, previous, s),
    }


if __name__ == "__main__":
    rng = random.Random(20211103)
    print("[")
    print(",\n".join(json.dumps(case(rng, i)) for i in range(16)))
    print("]")
