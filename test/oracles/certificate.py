"""How far the mean of any n - f updates is from a point, and the spread of the updates, pinned in certificate.json for
test/server/aggregation/explain/oracle.test.ts.

From the updates themselves, subset by subset (itertools.combinations), where server/aggregation/explain works from squared
distances alone. "reach" is the largest |point - mean(S)| over all S of n - f updates; "spread" is the norm of the standard
deviations by coordinate (ddof 1) over the norm of the mean. Only random.random() feeds the cases, whose stream Python
promises to keep.
Run with Python 3.11, numpy 2.4.6:  python3 test/oracles/certificate.py > test/oracles/certificate.json
"""
import itertools
import json
import random

import numpy as np


def reach(x, point, f):
    n = len(x)
    return max(float(np.linalg.norm(point - x[list(kept)].mean(axis=0))) for kept in itertools.combinations(range(n), n - f))


def spread(x):
    return float(np.sqrt(x.var(axis=0, ddof=1).sum()) / np.linalg.norm(x.mean(axis=0)))


def rounded(values):
    return np.asarray(values, dtype=np.float32).astype(np.float64)


def case(rng, index):
    f = int(rng.random() * 4)
    n = f + 2 + int(rng.random() * 7)
    d = 1 + int(rng.random() * 6)
    x = rounded([[1 + rng.random() * 2 - 1 + rng.random() for _ in range(d)] for _ in range(n)])
    if index % 3 == 1:
        x[:f] = rounded([7 * (rng.random() - 0.5) for _ in range(d)])
    if index % 3 == 2:
        x[:f] = rounded(-(10.0 ** (1 + index % 4)) * x[:f])
    point = rounded([x.mean(axis=0), np.median(x, axis=0), x[-1], [rng.random() for _ in range(d)]][index % 4])
    return {"f": f, "updates": x.tolist(), "point": point.tolist(), "reach": reach(x, point, f), "spread": spread(x)}


if __name__ == "__main__":
    rng = random.Random(20230204)
    print("[")
    print(",\n".join(json.dumps(case(rng, index)) for index in range(36)))
    print("]")
