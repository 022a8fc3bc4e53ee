"""Krum, multi-Krum, Bulyan, MDA and CGE of random cohorts, pinned in selection_rules.json for
test/server/aggregation/rules/selection-oracle.test.ts.

Written from the papers (Blanchard et al. 2017, El Mhamdi et al. 2018, Gupta et al. 2020), not from server/aggregation: all
differences at once by broadcasting in float64, the diagonal struck out by index, lexsort by (score, row); every pick of
Bulyan computes the distances of what remains again; MDA looks at all subsets. Only random.random() feeds the cases, whose
stream Python promises to keep. "exact" cases lie on a coarse grid, where every float64 sum is exact and scores tie often;
the others are arbitrary float32 values with f liars far off.
Run with Python 3.11, numpy 2.4.6:  python3 test/oracles/selection_rules.py > test/oracles/selection_rules.json
"""
import itertools
import json
import random

import numpy as np

SUMMANDS = {"canonical": lambda q: q, "d4": lambda q: q**2, "unsquared": np.sqrt}


def squared_distances(x):
    return ((x[:, None, :] - x[None, :, :]) ** 2).sum(axis=-1)


def krum_scores(x, neighbours, variant="canonical"):
    n = len(x)
    others = squared_distances(x)[~np.eye(n, dtype=bool)].reshape(n, n - 1)
    # cumsum adds one after the other, from the nearest on; sum would add in another order and part equal scores.
    return np.cumsum(SUMMANDS[variant](np.sort(others, axis=1)[:, :neighbours]), axis=1)[:, -1]


def lowest(scores, count):
    return sorted(np.lexsort((np.arange(len(scores)), scores))[:count].tolist())


def outcome(rule, options, x, selected, scores):
    aggregate = x[selected].sum(axis=0) / len(selected)
    return found(rule, options, selected, scores, aggregate)


def found(rule, options, selected, scores, aggregate):
    return {
        "rule": rule,
        "options": options,
        "selected": selected,
        "scores": None if scores is None else scores.tolist(),
        "aggregate": aggregate.astype(np.float32).astype(np.float64).tolist(),
    }


def krum(x, f, options):
    scores = krum_scores(x, options.get("neighbours", len(x) - f - 2), options.get("variant", "canonical"))
    return outcome("krum", options, x, lowest(scores, 1), scores)


def multi_krum(x, f, options):
    scores = krum_scores(x, len(x) - f - 2, options.get("variant", "canonical"))
    return outcome("multi-krum", options, x, lowest(scores, options.get("m", len(x) - f - 2)), scores)


def bulyan(x, f):
    left = list(range(len(x)))
    picked = []
    for _ in range(len(x) - 2 * f):
        scores = krum_scores(x[left], max(1, len(left) - f - 2)) if len(left) > 1 else np.zeros(1)
        picked.append(left.pop(lowest(scores, 1)[0]))
    picked.sort()
    columns = []
    for column in x[picked].T:
        median = np.median(column)
        nearest = sorted(column.tolist(), key=lambda value: (abs(value - median), value))
        columns.append(sum(sorted(nearest[: len(x) - 4 * f])) / (len(x) - 4 * f))
    return found("bulyan", {}, picked, krum_scores(x, len(x) - f - 2), np.array(columns))


def mda(x, f):
    squared = squared_distances(x)
    # min keeps the first of equals, and combinations come in lexicographic order.
    best = min(itertools.combinations(range(len(x)), len(x) - f), key=lambda rows: squared[np.ix_(rows, rows)].max())
    return outcome("mda", {}, x, list(best), None)


def cge(x, f):
    norms = np.sqrt((x**2).sum(axis=1))
    return outcome("cge", {}, x, lowest(norms, len(x) - f), norms)


def case(rng, exact, roomy):
    f = int(rng.random() * 4)
    n = (4 if roomy else 2) * f + 3 + int(rng.random() * 4)
    d = 1 + int(rng.random() * (3 if exact else 6))
    draw = (lambda: float(int(rng.random() * 9) - 4) / 2) if exact else (lambda: rng.random() * 20 - 10)
    x = np.array([[draw() for _ in range(d)] for _ in range(n)], dtype=np.float32)
    if not exact:
        for liar in range(f):
            x[int(rng.random() * n)] = np.float32(30 + rng.random())
    x = x.astype(np.float64)
    m = 1 + int(rng.random() * (n - f))
    outcomes = [krum(x, f, {"variant": variant}) for variant in SUMMANDS]
    outcomes += [krum(x, f, {"neighbours": n - f - 1}), krum(x, f, {"variant": "unsquared", "neighbours": n - f - 1})]
    outcomes += [multi_krum(x, f, {}), multi_krum(x, f, {"m": m}), multi_krum(x, f, {"variant": "d4", "m": m})]
    outcomes += [mda(x, f), cge(x, f)] + ([bulyan(x, f)] if n >= 4 * f + 3 else [])
    return {"exact": exact, "f": f, "rows": x.tolist(), "outcomes": outcomes}


if __name__ == "__main__":
    rng = random.Random(20170307)
    print("[")
    print(",\n".join(json.dumps(case(rng, exact=i % 2 == 0, roomy=i % 4 < 2)) for i in range(36)))
    print("]")
