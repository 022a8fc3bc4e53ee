"""delta(epsilon) of few Poisson-subsampled Gaussian steps, pinned in pld.json for test/shared/accounting/pld.

Independent of shared/accounting/pld: no grid of losses, no connect-the-dots, no transform of a tilted mass.
By definition delta(e) = E over P of (1 - e^e Q/P)_+, add/remove one example, P = (1-q) N(0, s^2) + q N(1, s^2), Q = N(0, s^2)
("remove"), and with P and Q exchanged ("add").
One step in closed form: the set where P > e^e Q is a half-line (both ratios are monotone), whose Gaussian masses are taken at
40 digits. Two and three steps by integrating out one after the other, delta_k(e) = E over z of delta_{k-1}(e - loss(z)), with
Gauss-Legendre panels over z, of which four times as many change nothing in 14 digits. Many steps at rate 1 are
one Gaussian of s / sqrt(T) (Balle and Wang, arXiv 1805.06530, theorem 8), in closed form again.
Run with Python 3.11, numpy 2.4, mpmath 1.3.0:  python3 test/oracles/pld.py > test/oracles/pld.json
"""
import json
import math

import numpy as np
from mpmath import erfc, exp, expm1, findroot, inf, log, mp, mpf, sqrt

mp.dps = 40


def below(x):
    return erfc(-x / sqrt(mpf(2))) / 2 if x != -inf else mpf(0)


def threshold(s, q, loss):
    """The z at which log P/Q is `loss`; minus infinity where it is always above."""
    ratio = (expm1(loss) + q) / q
    return s * s * log(ratio) + mpf(1) / 2 if ratio > 0 else -inf


def quick_one_step(s, q, e, direction):
    """`one_step` in float64: absolute error about 1e-15."""
    under = lambda x: math.erfc(-x / math.sqrt(2)) / 2
    loss = e if direction == "remove" else -e
    ratio = (math.expm1(loss) + q) / q
    z = s * s * math.log(ratio) + 0.5 if ratio > 0 else -math.inf
    if direction == "remove":
        return (1 - q) * under(-z / s) + q * under((1 - z) / s) - math.exp(e) * under(-z / s)
    return under(z / s) - math.exp(e) * ((1 - q) * under(z / s) + q * under((z - 1) / s))


def one_step(s, q, e, direction):
    """Exact, for any real e."""
    s, q, e = mpf(s), mpf(q), mpf(e)
    if direction == "remove":
        z = threshold(s, q, e)
        p = (1 - q) * below(-z / s) + q * below((1 - z) / s) if z != -inf else mpf(1)
        return p - exp(e) * (below(-z / s) if z != -inf else 1)
    z = threshold(s, q, -e)
    mixture = (1 - q) * below(z / s) + q * below((z - 1) / s) if z != -inf else mpf(0)
    return (below(z / s) if z != -inf else mpf(0)) - exp(e) * mixture


def log_ratio(s, q, z):
    return np.log1p(q * np.expm1((2 * z - 1) / (2 * s * s))) if q < 1 else (2 * z - 1) / (2 * s * s)


def nodes_of_loss(s, q, direction, layer):
    """Nodes of the loss of one step with their weights under its own first distribution. Where the loss is `layer`, what it is
    integrated against has its sharp edge: panels shrink towards it by halves, from both sides."""
    low, high = -12 * s, 1 + 12 * s
    loss = layer if direction == "remove" else -layer
    ratio = (math.expm1(min(loss, 500)) + q) / q
    edge = s * s * math.log(ratio) + 0.5 if ratio > 0 else low
    edge = min(max(edge, low), high)
    steps = 2.0 ** -np.arange(0, 24)
    edges = np.unique(np.concatenate([np.linspace(low, high, 33), edge - (edge - low) * steps, edge + (high - edge) * steps, [edge]]))
    x, w = np.polynomial.legendre.leggauss(12)
    half = np.diff(edges) / 2
    z = ((edges[:-1] + half)[:, None] + half[:, None] * x).ravel()
    w = (half[:, None] * w).ravel()
    density = lambda mean: np.exp(-((z - mean) ** 2) / (2 * s * s)) / (s * np.sqrt(2 * np.pi))
    if direction == "remove":
        return log_ratio(s, q, z), w * ((1 - q) * density(0) + q * density(1))
    return -log_ratio(s, q, z), w * density(0)


def few_steps(mechanisms, direction, e):
    """The delta of all the mechanisms, one step each."""
    (s, q), rest = mechanisms[0], mechanisms[1:]
    if not rest:
        return quick_one_step(s, q, e, direction)
    edge = sum(math.log1p(-r) if r < 1 else 0.0 for _, r in rest)
    loss, weight = nodes_of_loss(s, q, direction, e - (edge if direction == "remove" else -edge))
    return sum(w * few_steps(rest, direction, e - l) for l, w in zip(loss, weight) if w > 1e-18)


def gaussian(s, steps, e):
    s = mpf(s) / sqrt(mpf(steps))
    return below(1 / (2 * s) - e * s) - exp(mpf(e)) * below(-1 / (2 * s) - e * s)


def gaussian_epsilon(s, steps, delta):
    return findroot(lambda e: log(gaussian(s, steps, e)) - log(mpf(delta)), (mpf(0), mpf(4000)), solver="bisect",
                    maxsteps=200, tol=1e-25)


def one_step_epsilon(s, q, delta):
    return findroot(lambda e: one_step(s, q, e, "remove") - mpf(delta), (mpf(0), mpf(60)), solver="bisect",
                    maxsteps=200, tol=1e-30)


def digits(x):
    return float(mp.nstr(mpf(x), 12))


ONE = [(1.0, 0.01), (0.8, 0.001), (0.5, 0.2), (3.0, 0.5), (1.0, 0.999), (0.3, 1.0), (20.0, 0.05)]
EPSILONS = [0.0, 0.01, 0.1, 0.5, 1.0, 2.0, 4.0]
FEW = [[(0.5, 0.2)] * 2, [(1.0, 0.05), (0.7, 0.3)], [(2.0, 0.5), (1.0, 1.0)], [(0.5, 0.2)] * 3]
GAUSSIAN = [(1.0, 1, 1e-5), (1.0, 1, 1e-10), (1.0, 1, 1e-20), (1.0, 1, 1e-30), (5.0, 100, 1e-5), (0.7, 2, 1e-5),
            (4.530877117, 1, 1e-6), (50.0, 10, 1e-10), (0.35, 2, 1e-8), (100.0, 50000, 1e-6), (10.0, 20000, 1e-8)]

if __name__ == "__main__":
    deltas = []
    for s, q in ONE:
        for e in EPSILONS:
            both = [digits(one_step(s, q, e, d)) for d in ("remove", "add")]
            deltas.append({"mechanisms": [[s, q]], "epsilon": e, "remove": both[0], "add": max(0.0, both[1])})
    for mechanisms in FEW:
        epsilons = [0.0, 0.5, 1.0, 3.0]
        both = [[few_steps(mechanisms, d, e) for e in epsilons] for d in ("remove", "add")]
        for i, e in enumerate(epsilons):
            deltas.append({"mechanisms": mechanisms, "epsilon": e, "remove": digits(both[0][i]), "add": digits(both[1][i])})
    exact = [{"noiseMultiplier": s, "samplingRate": 1.0, "steps": t, "delta": d,
              "epsilon": digits(gaussian_epsilon(s, t, d))} for s, t, d in GAUSSIAN]
    single = [{"noiseMultiplier": s, "samplingRate": q, "steps": 1, "delta": d, "epsilon": digits(one_step_epsilon(s, q, d))}
              for s, q in ONE[:5] for d in (1e-4, 1e-6, 1e-10) if one_step(s, q, 0, "remove") > 2 * d]
    dump = lambda rows: "[\n" + ",\n".join(json.dumps(r) for r in rows) + "\n]"
    print('{"deltas": ' + dump(deltas) + ',\n"epsilons": ' + dump(exact + single) + "}")
