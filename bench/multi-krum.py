# The reference of bench/multi-krum.ts: the same multi-Krum with numpy's direct differences in float64.
# Reads n, d, f and the number of runs; prints the milliseconds of each run as a JSON list.
import json
import sys
import time

import numpy as np

n, d, f, runs = (int(argument) for argument in sys.argv[1:5])
updates = np.random.default_rng(1).standard_normal((n, d)).astype(np.float32)


def multi_krum(x):
    wide = x.astype(np.float64)
    distances = np.zeros((n, n))
    for i in range(n - 1):
        differences = wide[i + 1 :] - wide[i]
        distances[i, i + 1 :] = distances[i + 1 :, i] = np.einsum("ij,ij->i", differences, differences)
    np.fill_diagonal(distances, np.inf)
    scores = np.sort(distances, axis=1)[:, : n - f - 2].sum(axis=1)
    return wide[np.argsort(scores, kind="stable")[: n - f - 2]].mean(axis=0)


times = []
for _ in range(runs + 1):
    started = time.perf_counter()
    multi_krum(updates)
    times.append(1000 * (time.perf_counter() - started))
print(json.dumps(times[1:]))
