# The references of bench/coordinate-rules.ts in numpy. Reads n, d, f and the number of runs; prints one JSON object: the
# seconds of each run by rule. The geometric median takes Weiszfeld's steps to a relative change of 1e-6, as float32 allows.
import json
import sys
import time

import numpy as np

n, d, f, runs = (int(argument) for argument in sys.argv[1:5])
x = np.random.default_rng(1).standard_normal((n, d), dtype=np.float32)


def gram(rows):
    norms = np.einsum("ij,ij->i", rows, rows)
    return norms[:, None] + norms[None, :] - 2 * (rows @ rows.T)


def around_median(rows, keep):
    distances = np.abs(rows - np.median(rows, axis=0))
    nearest = np.argpartition(distances, keep - 1, axis=0)[:keep]
    return np.take_along_axis(rows, nearest, axis=0).mean(axis=0)


def trimmed_mean():
    return np.partition(x, (f, n - f - 1), axis=0)[f : n - f].mean(axis=0)


def bulyan():
    distances = gram(x)
    left = list(range(n))
    selected = []
    while len(selected) < n - 2 * f:
        among = distances[np.ix_(left, left)].copy()
        np.fill_diagonal(among, np.inf)
        scores = np.sort(among, axis=1)[:, : max(1, len(left) - f - 2)].sum(axis=1)
        selected.append(left.pop(int(np.argmin(scores))))
    return around_median(x[selected], n - 4 * f)


def geometric_median():
    v = x.mean(axis=0)
    for _ in range(1000):
        differences = x - v
        weights = 1 / np.maximum(1e-6, np.sqrt(np.einsum("ij,ij->i", differences, differences)))
        moved = (weights / weights.sum()).astype(np.float32) @ x
        change = np.linalg.norm(moved - v) / np.linalg.norm(moved)
        v = moved
        if change < 1e-6:
            break
    return v


def nnm_median():
    nearest = np.argpartition(gram(x), n - f - 1, axis=1)[:, : n - f]
    mixing = np.zeros((n, n), dtype=np.float32)
    np.put_along_axis(mixing, nearest, 1 / (n - f), axis=1)
    return np.median(mixing @ x, axis=0)


rules = {
    "median": lambda: np.median(x, axis=0),
    "trimmed-mean": trimmed_mean,
    "meamed": lambda: around_median(x, n - f),
    "bulyan": bulyan,
    "geometric-median": geometric_median,
    "nnm+median": nnm_median,
}


def timed(rule):
    times = []
    for _ in range(runs):
        started = time.perf_counter()
        rule()
        times.append(time.perf_counter() - started)
    return times


print(json.dumps({name: timed(rule) for name, rule in rules.items()}))
