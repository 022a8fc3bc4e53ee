"""Median, trimmed mean, MeaMed, geometric median, centered clipping, and the pre-aggregators in front of them, on random
cohorts, pinned in coordinate_rules.json for test/server/aggregation/rules/coordinate-rules-oracle.test.ts.

Written from the definitions of the papers that the rules' files name, not from server/aggregation: whole arrays at once in
float64, a MeaMed that sorts by distance, and a geometric median by Newton's method with a line search on the sum of
distances itself, which ends only where the gradient is below 1e-11 of the number of points, or at a point whose
subdifferential holds zero. Only random.random() feeds the cases. "exact" cases lie on a coarse grid, where every sum is
exact and ties abound; in the others f liars lie far out.
Run with Python 3.11, numpy 2.4.6:  python3 test/oracles/coordinate_rules.py > test/oracles/coordinate_rules.json
"""
import json
import random

import numpy as np


def meamed(x, f):
    distance = np.abs(x - np.median(x, axis=0))
    columns = [x[np.lexsort((x[:, k], distance[:, k]))[: len(x) - f], k] for k in range(x.shape[1])]
    return np.array([np.sort(column).mean() for column in columns])


def is_minimum_at_point(x, point):
    apart = x - point
    length = np.linalg.norm(apart, axis=1)
    elsewhere = length > 0
    pull = (apart[elsewhere] / length[elsewhere, None]).sum(axis=0)
    return np.linalg.norm(pull) <= (~elsewhere).sum() + 1e-12


def geometric_median(x):
    """Where a whole segment minimises, the mean of the data points on it."""
    at_points = [point for point in x if is_minimum_at_point(x, point)]
    if at_points:
        return np.mean(at_points, axis=0)
    total = lambda v: np.linalg.norm(x - v, axis=1).sum()
    v = x.mean(axis=0) + 1e-3
    for _ in range(500):
        apart = v - x
        length = np.linalg.norm(apart, axis=1)
        unit = apart / length[:, None]
        gradient = unit.sum(axis=0)
        if np.linalg.norm(gradient) < 1e-11 * len(x):
            return v
        hessian = (1 / length).sum() * np.eye(len(v)) - (unit / length[:, None]).T @ unit
        step = np.linalg.lstsq(hessian, gradient, rcond=None)[0]
        size = 1.0
        while total(v - size * step) > total(v) * (1 + 1e-15) and size > 1e-12:
            size /= 2
        v = v - size * step
    raise ArithmeticError("the geometric median was not found")


def centered_clipping(x, start, tau, steps):
    v = start.copy()
    for _ in range(steps):
        apart = x - v
        v = v + (apart / np.maximum(1, np.linalg.norm(apart, axis=1) / tau)[:, None]).mean(axis=0)
    return v


def clip(x, limit):
    norm = np.linalg.norm(x, axis=1)
    return np.where((norm > limit)[:, None], x * (limit / np.maximum(norm, 1e-300))[:, None], x)


def arc(x, f):
    k = 2 * f * (len(x) - f) // len(x)
    return clip(x, -np.sort(-np.linalg.norm(x, axis=1))[k])


def nnm(x, f):
    squared = ((x[:, None, :] - x[None, :, :]) ** 2).sum(axis=-1)
    np.fill_diagonal(squared, -1)
    return np.array([x[np.argsort(row, kind="stable")[: len(x) - f]].mean(axis=0) for row in squared])


def trimmed_mean(x, f):
    return np.sort(x, axis=0)[f : len(x) - f].mean(axis=0)


def case(rng, exact):
    f = int(rng.random() * 4)
    n = 2 * f + 1 + int(rng.random() * 6)
    d = 1 + int(rng.random() * (4 if exact else 10))
    draw = (lambda: float(int(rng.random() * 9) - 4) / 2) if exact else (lambda: rng.random() * 20 - 10)
    rows = np.array([[draw() for _ in range(d)] for _ in range(n)], dtype=np.float32)
    if not exact:
        rows[:f] = np.float32(10 ** (1 + 4 * rng.random())) * (1 + rows[:f] / 100)
    start = np.array([draw() for _ in range(d)], dtype=np.float32)
    x = rows.astype(np.float64)
    tau = 0.5 + 4 * rng.random()
    steps = 1 + int(rng.random() * 3)
    limit = 0.5 + 4 * rng.random()
    listed = lambda array: array.tolist()
    return {
        "exact": exact,
        "f": f,
        "rows": listed(x),
        "start": listed(start.astype(np.float64)),
        "tau": tau,
        "steps": steps,
        "limit": limit,
        "rules": {
            "median": listed(np.median(x, axis=0)),
            "trimmed-mean": listed(trimmed_mean(x, f)),
            "meamed": listed(meamed(x, f)),
            "geometric-median": listed(geometric_median(x)),
            "centered-clipping": listed(centered_clipping(x, start.astype(np.float64), tau, steps)),
        },
        "pre": {
            "clip": listed(clip(x, limit)),
            "clip-to-median": listed(clip(x, np.median(np.linalg.norm(x, axis=1)))),
            "arc": listed(arc(x, f)),
            "nnm": listed(nnm(x, f)),
        },
        "trimmed-mean after clip and nnm": listed(trimmed_mean(nnm(clip(x, limit), f), f)),
    }


if __name__ == "__main__":
    rng = random.Random(20230177)
    print("[")
    print(",\n".join(json.dumps(case(rng, exact=i % 2 == 0)) for i in range(36)))
    print("]")
