# The references of bench/krum.ts, in numpy and torch. Reads n, d, f and the number of runs; prints one JSON object: the
# seconds of each run of Krum by a float32 Gram matrix (inexact), by a loop over pairs, and by torch.cdist, or why not.
import json
import sys
import time

import numpy as np

n, d, f, runs = (int(argument) for argument in sys.argv[1:5])
updates = np.random.default_rng(1).standard_normal((n, d), dtype=np.float32)


def pick(distances):
    distances = distances.astype(np.float64)
    np.fill_diagonal(distances, np.inf)
    return int(np.argmin(np.sort(distances, axis=1)[:, : n - f - 2].sum(axis=1)))


def gram():
    norms = np.einsum("ij,ij->i", updates, updates)
    return norms[:, None] + norms[None, :] - 2 * (updates @ updates.T)


def pairs():
    distances = np.zeros((n, n))
    for i in range(n):
        for j in range(i):
            difference = updates[i] - updates[j]
            distances[i, j] = distances[j, i] = np.dot(difference, difference)
    return distances


def timed(distances, count):
    times = []
    for _ in range(count):
        started = time.perf_counter()
        pick(distances())
        times.append(time.perf_counter() - started)
    return times


results = {"gram": timed(gram, runs + 1)[1:], "pairs": timed(pairs, 1 if n * n * d > 1e9 else runs)}
try:
    import torch

    torch.set_num_threads(2)
    rows = torch.from_numpy(updates)
    results["cdist"] = timed(lambda: (torch.cdist(rows, rows) ** 2).numpy(), runs + 1)[1:]
except ImportError:
    results["cdist"] = "torch is not installed"
print(json.dumps(results))
