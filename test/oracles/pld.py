"""delta(epsilon) of few Poisson-subsampled Gaussian steps, pinned in pld.json for test/shared/accounting/pld.

Independent of shared/accounting/pld: no grid of losses, no connect-the-dots, no transform of a tilted mass.
By definition delta(e) = E over P of (1 - e^e Q/P)_+, add/remove one example, P = (1-q) N(0, s^2) + q N(1, s^2), Q = N(0, s^2)
("remove"), and with P and Q exchanged ("add").
One step in closed form: the set where P > e^e Q is a half-line (both ratios are monotone), whose Gaussian masses are taken at
40 digits. Two to four steps by integrating out one step after the other: delta_k(e) = E over z of delta_{k-1}(e - loss(z)),
where delta of one step is the closed form; by Gauss-Legendre panels over z, delta_{k-1} tabulated as a function of e on Chebyshev
panels. What that leaves is below 1e-8: adding, delta has a kink where no loss is larger, so that 8 places are given. Many steps at rate 1 are one Gaussian of s / sqrt(T) (Balle and
Wang, arXiv 1805.06530, theorem 8), in closed form again.
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


def panels(low, high, count, nodes=20):
    x, w = np.polynomial.legendre.leggauss(nodes)
    edges = np.linspace(low, high, count + 1)
    half = (edges[1:] - edges[:-1]) / 2
    z = (edges[:-1] + half)[:, None] + half[:, None] * x
    return z.ravel(), (half[:, None] * w).ravel()


class Table:
    """A function on [low, high] by Chebyshev interpolation on panels; 1 - e^e below, nothing above."""

    NODES = 16

    def __init__(self, function, low, high, count):
        self.low, self.width, self.count = low, (high - low) / count, count
        self.nodes = np.cos((2 * np.arange(self.NODES) + 1) * np.pi / (2 * self.NODES))
        at = low + self.width * (np.arange(count)[:, None] + (self.nodes + 1) / 2)
        values = np.array([function(e) for e in at.ravel()]).reshape(at.shape)
        basis = np.polynomial.chebyshev.chebvander(self.nodes, self.NODES - 1)
        self.coefficients = np.linalg.solve(basis, values.T).T

    def __call__(self, e):
        panel = np.clip(np.floor((e - self.low) / self.width).astype(int), 0, self.count - 1)
        x = np.clip(2 * ((e - self.low) / self.width - panel) - 1, -1, 1)
        terms = np.polynomial.chebyshev.chebvander(x, self.NODES - 1)
        inside = np.sum(terms * self.coefficients[panel], axis=-1)
        high = self.low + self.width * self.count
        return np.where(e < self.low, -np.expm1(np.minimum(e, 0)), np.where(e > high, 0.0, inside))


def expectation(s, q, direction):
    """Nodes of the loss of one step with their weights under its own first distribution."""
    z, w = panels(-14 * s, 1 + 14 * s, 30)
    density = lambda mean: np.exp(-((z - mean) ** 2) / (2 * s * s)) / (s * np.sqrt(2 * np.pi))
    if direction == "remove":
        return log_ratio(s, q, z), w * ((1 - q) * density(0) + q * density(1))
    return -log_ratio(s, q, z), w * density(0)


def few_steps(mechanisms, direction, epsilons):
    """The delta of all the mechanisms, one step each, at each epsilon."""
    low, high = -30.0, 30.0
    (s0, q0), rest = mechanisms[0], mechanisms[1:]
    current = lambda e: quick_one_step(s0, q0, float(e), direction)
    for s, q in rest:
        table = Table(current, low, high, 700)
        loss, weight = expectation(s, q, direction)
        current = lambda e, t=table, l=loss, w=weight: float(np.sum(w * t(e - l)))
    return [current(e) for e in epsilons]


def gaussian(s, steps, e):
    s = mpf(s) / sqrt(mpf(steps))
    return below(1 / (2 * s) - e * s) - exp(mpf(e)) * below(-1 / (2 * s) - e * s)


def gaussian_epsilon(s, steps, delta):
    return findroot(lambda e: log(gaussian(s, steps, e)) - log(mpf(delta)), (mpf(0), mpf(4000)), solver="bisect",
                    maxsteps=200, tol=1e-25)


def one_step_epsilon(s, q, delta):
    return findroot(lambda e: one_step(s, q, e, "remove") - mpf(delta), (mpf(0), mpf(60)), solver="bisect",
                    maxsteps=200, tol=1e-30)


def places(x):
    return round(float(x), 8)


def digits(x):
    return float(mp.nstr(mpf(x), 12))


ONE = [(1.0, 0.01), (0.8, 0.001), (0.5, 0.2), (3.0, 0.5), (1.0, 0.999), (0.3, 1.0), (20.0, 0.05)]
EPSILONS = [0.0, 0.01, 0.1, 0.5, 1.0, 2.0, 4.0]
FEW = [[(0.5, 0.2)] * 2, [(0.5, 0.2)] * 3, [(1.0, 0.05), (0.7, 0.3)], [(2.0, 0.5), (1.0, 0.01), (1.0, 1.0)], [(1.0, 0.1)] * 4]
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
        both = [few_steps(mechanisms, d, epsilons) for d in ("remove", "add")]
        for i, e in enumerate(epsilons):
            deltas.append({"mechanisms": mechanisms, "epsilon": e, "remove": places(both[0][i]), "add": places(both[1][i])})
    exact = [{"noiseMultiplier": s, "samplingRate": 1.0, "steps": t, "delta": d,
              "epsilon": digits(gaussian_epsilon(s, t, d))} for s, t, d in GAUSSIAN]
    single = [{"noiseMultiplier": s, "samplingRate": q, "steps": 1, "delta": d, "epsilon": digits(one_step_epsilon(s, q, d))}
              for s, q in ONE[:5] for d in (1e-4, 1e-6, 1e-10) if one_step(s, q, 0, "remove") > 2 * d]
    dump = lambda rows: "[\n" + ",\n".join(json.dumps(r) for r in rows) + "\n]"
    print('{"deltas": ' + dump(deltas) + ',\n"epsilons": ' + dump(exact + single) + "}")
