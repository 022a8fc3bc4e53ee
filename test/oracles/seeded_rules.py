"""Divide-and-conquer, SignGuard and FLTrust of random cohorts, pinned in seeded_rules.json for test/server/aggregation/rules.

Written from the papers (Shejwalkar & Houmansadr NDSS 2021, algorithm 2; Xu et al. 2022, arXiv 2109.05872; Cao et al. NDSS
2021), not from server/aggregation: a singular value decomposition of the d-dimensional rows, MeanShift over all pairs by
broadcasting, cosines from dot products. Muster's draws of coordinates are its own, so that all coordinates are taken here.
Only random.random() feeds the cases, whose stream Python promises to keep. Cases that rounding could decide are left out.
`mean_shift` was held once, by hand, against MeanShift(bandwidth=estimate_bandwidth(x, quantile=0.5)) of scikit-learn 1.9.1
on 4,000 cohorts like these in which no sample lies at the bandwidth itself from a mean: the bandwidth was the same in all,
the largest cluster in 3,999. Running this needs numpy alone.
Run with Python 3.11, numpy 2.4.6:  python3 test/oracles/seeded_rules.py > test/oracles/seeded_rules.json
"""
import json
import math
import random

import numpy as np


def dnc(x, f, c):
    """Scores are the shares of the squared projections in their sum."""
    centred = x - x.mean(axis=0)
    _, singular, right = np.linalg.svd(centred, full_matrices=False)
    projection = (centred @ right[0]) ** 2
    order = np.argsort(projection, kind="stable")
    keep = len(x) - math.ceil(c * f)
    ranked = projection[order]
    gap = singular[1] / singular[0] if len(singular) > 1 else 0
    clear = gap < 0.97 and (keep == len(x) or ranked[keep] - ranked[keep - 1] > 1e-3 * ranked[-1])
    selected = np.sort(order[:keep])
    return {
        "scores": (projection / projection.sum()).tolist(),
        "selected": selected.tolist(),
        "aggregate": x[selected].mean(axis=0).tolist(),
    }, clear


def pairs(a, b):
    return np.sqrt(((a[:, None, :] - b[None, :, :]) ** 2).sum(axis=-1))


def bandwidth_of(x, quantile=0.5):
    """Mean distance to the k-th nearest sample, k = int(n quantile), where a sample is its own first."""
    return np.sort(pairs(x, x), axis=1)[:, max(1, int(len(x) * quantile)) - 1].mean()


def mean_shift(x):
    """Flat kernel: labels of the samples, every one of them a seed."""
    h = bandwidth_of(x) * (1 + 1e-12)
    found = {}
    for seed in x:
        at = seed
        for _ in range(301):
            near = pairs(at[None], x)[0] <= h
            if not near.any():
                break
            before, at = at, x[near].mean(axis=0)
            if np.linalg.norm(at - before) <= 1e-3 * h:
                break
        if near.any():
            found[tuple(at)] = int(near.sum())
    centres = []
    for centre in sorted(found, key=lambda one: (found[one], one), reverse=True):
        if all(np.linalg.norm(np.subtract(centre, kept)) > h for kept in centres):
            centres.append(centre)
    return pairs(x, np.array(centres)).argmin(axis=1)


def largest_cluster(labels):
    sizes = np.bincount(labels)[labels]
    return np.flatnonzero(labels == labels[int(np.argmax(sizes))])


def sign_guard(x, lower, upper):
    norms = np.linalg.norm(x, axis=1)
    middle = np.median(norms)
    # Counts in place of shares: the same clusters, and means of equal points stay exactly equal.
    signs = np.stack([(x > 0).sum(axis=1), (x == 0).sum(axis=1), (x < 0).sum(axis=1)], axis=1).astype(np.float64)
    crowd = set(largest_cluster(mean_shift(signs)).tolist())
    selected = [i for i in range(len(x)) if i in crowd and lower * middle <= norms[i] <= upper * middle]
    clear = all(abs(norm / middle - bound) > 1e-6 for norm in norms for bound in (lower, upper)) and len(selected) > 0
    clipped = [x[i] * min(1, middle / norms[i]) for i in selected]
    return {"selected": selected, "aggregate": np.mean(clipped, axis=0).tolist() if clipped else []}, clear


def fltrust(x, root):
    norms = np.linalg.norm(x, axis=1)
    length = np.linalg.norm(root)
    cosines = np.divide(x @ root, norms * length, out=np.zeros(len(x)), where=norms > 0)
    trust = np.maximum(0, cosines)
    scaled = [row * (length / norm) if norm > 0 else row for row, norm in zip(x, norms)]
    total = sum(t * row for t, row in zip(trust, scaled))
    clear = trust.sum() > 0 and all(abs(c) > 1e-6 or norm == 0 for c, norm in zip(cosines, norms))
    return {
        "scores": (1 - cosines).tolist(),
        "selected": np.flatnonzero(trust).tolist(),
        "shares": (trust / max(trust.sum(), 1e-300)).tolist(),
        "aggregate": (total / max(trust.sum(), 1e-300)).tolist(),
    }, clear


def whole(rng, most):
    return int(rng.random() * most)


def cohort(rng, least, d):
    """Honest rows around a common signal, then f liars (none, flipped, sent wide, or all the same), in a random order."""
    f = whole(rng, 4)
    n = max(3, 2 * f + 1) + whole(rng, 6)
    signal = [rng.random() * 2 - 0.7 for _ in range(d)]
    rows = [[s + (rng.random() - 0.5) * 2 for s in signal] for _ in range(n)]
    kind = whole(rng, 4)
    for i in range(f):
        if kind == 1:
            rows[i] = [-value for value in rows[i]]
        elif kind == 2:
            rows[i] = [value * (2 + 3 * rng.random()) for value in rows[i]]
        elif kind == 3:
            rows[i] = [-value for value in signal]
    if rng.random() < 0.5:
        rows = [[0.0 if rng.random() < 0.15 else value for value in row] for row in rows]
    rows.sort(key=lambda _: rng.random())
    return np.array(rows, dtype=np.float32), f


def cases(rng, draw, count):
    """The first `count` that rounding cannot decide."""
    found = []
    while len(found) < count:
        case, clear = draw(rng)
        if clear:
            found.append(case)
    return found


def dnc_case(rng):
    x, f = cohort(rng, 3, 2 + whole(rng, 12))
    c = (0.5, 1, 1, 1.5)[whole(rng, 4)]
    if math.ceil(c * f) >= len(x):
        c = 1
    result, clear = dnc(x.astype(np.float64), f, c)
    return {"f": f, "c": c, "rows": x.tolist(), **result}, clear


def sign_guard_case(rng):
    x, f = cohort(rng, 3, 10 + whole(rng, 30))
    lower, upper = ((0.1, 3), (0.5, 1.5))[whole(rng, 2)]
    result, clear = sign_guard(x.astype(np.float64), lower, upper)
    return {"f": f, "lower": lower, "upper": upper, "rows": x.tolist(), **result}, clear


def fltrust_case(rng):
    x, f = cohort(rng, 1, 1 + whole(rng, 10))
    if rng.random() < 0.2:
        x[0] = 0
    root = np.array([rng.random() * 2 - 0.7 for _ in range(x.shape[1])], dtype=np.float32)
    result, clear = fltrust(x.astype(np.float64), root.astype(np.float64))
    return {"f": f, "root": root.tolist(), "rows": x.tolist(), **result}, clear


if __name__ == "__main__":
    rng = random.Random(20210221)
    rules = {"dnc": dnc_case, "sign-guard": sign_guard_case, "fltrust": fltrust_case}
    blocks = [
        f'"{name}": [\n' + ",\n".join(json.dumps(case) for case in cases(rng, draw, 16)) + "\n]"
        for name, draw in rules.items()
    ]
    print("{" + ",\n".join(blocks) + "}")
