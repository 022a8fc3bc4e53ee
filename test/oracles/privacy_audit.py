"""What the privacy audit computes with, pinned in privacy_audit.json for test/simulation/privacy-audit and
test/shared/accounting/pld/loss-distribution.test.ts.

clopperPearson: the limits as quantiles of the beta distribution, its density integrated by Gauss-Legendre; the code sums binomial terms.
kolmogorovSmirnov: the exact distribution of D by the matrix power of Marsaglia, Tsang and Wang (J. Stat. Soft. 8(18), 2003),
after Durbin; the code has the limit distribution at a corrected argument.
lossDistribution: the distribution of a composed privacy loss by inversion of its characteristic function (Gil-Pelaez, by the
midpoint rule, which is exact up to the mass beyond half a period); the code discretises the loss and transforms the masses.
Run with Python 3.11, numpy 2.4, mpmath 1.3.0:  python3 test/oracles/privacy_audit.py > test/oracles/privacy_audit.json
"""
import json

import numpy as np
from mpmath import loggamma, mp

mp.dps = 30


def lower_limit(successes, trials, error):
    if successes == 0:
        return 0.0
    log_scale = float(loggamma(trials + 1) - loggamma(successes) - loggamma(trials - successes + 1))
    x, w = np.polynomial.legendre.leggauss(40)
    low, high = 0.0, successes / trials
    for _ in range(60):
        middle = (low + high) / 2
        edges = middle * np.linspace(0, 1, 101)
        half = np.diff(edges)[:, None] / 2
        p = edges[:-1, None] + half * (1 + x)
        chance = np.sum(half * w * np.exp(log_scale + (successes - 1) * np.log(p) + (trials - successes) * np.log1p(-p)))
        low, high = (middle, high) if chance <= error else (low, middle)
    return low


def clopper_pearson():
    for successes, trials, error in [
        (0, 10, 0.05), (1, 10, 0.05), (7, 10, 0.025), (10, 10, 0.05), (3, 1000, 0.0005), (250, 1000, 0.0005),
        (997, 1000, 0.0005), (1000, 1000, 0.0005), (62, 5000, 0.01), (4321, 10000, 0.0005),
    ]:
        upper = 1 - lower_limit(trials - successes, trials, error)
        lower = lower_limit(successes, trials, error)
        yield {"successes": successes, "trials": trials, "error": error, "lower": lower, "upper": upper}


def chance_of_distance(n, d):
    k = int(np.floor(n * d)) + 1
    m, h = 2 * k - 1, k - n * d
    matrix = np.tril(np.ones((m, m)), 1)
    for i in range(m):
        matrix[i, 0] -= h ** (i + 1)
        matrix[m - 1, i] -= h ** (m - i)
    matrix[m - 1, 0] += max(0.0, 2 * h - 1) ** m
    log_factorials = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, m + 1)))])
    for i in range(m):
        for j in range(min(i + 2, m)):
            matrix[i, j] *= np.exp(-log_factorials[i - j + 1]) if i - j + 1 > 0 else 1.0
    power, log_scale = np.eye(m), 0.0
    square, log_square = matrix, 0.0
    left = n
    while left:
        if left & 1:
            power, log_scale = power @ square, log_scale + log_square
            top = np.abs(power).max()
            power, log_scale = power / top, log_scale + np.log(top)
        square, log_square = square @ square, 2 * log_square
        top = np.abs(square).max()
        square, log_square = square / top, log_square + np.log(top)
        left >>= 1
    log_n = np.sum(np.log(np.arange(1, n + 1))) - n * np.log(n)
    return 1 - float(power[k - 1, k - 1] * np.exp(log_scale + log_n))


def kolmogorov_smirnov():
    for n, x in [(100, 0.6), (100, 1.0), (100, 1.628), (2000, 0.5), (2000, 0.828), (2000, 1.36), (2000, 1.731), (2000, 2.2), (10000, 1.628)]:
        distance = x / np.sqrt(n)
        yield {"n": n, "distance": distance, "pValue": round(chance_of_distance(n, distance), 9)}


def characteristic(events, direction, u):
    """Of the loss of all steps, at every u."""
    total = np.zeros(u.shape, complex)
    for s, q, steps in events:
        z = np.linspace(-9 * s, 1 + 9 * s, 6001)
        under = lambda mean: np.exp(-((z - mean) ** 2) / (2 * s * s)) / (s * np.sqrt(2 * np.pi)) * (z[1] - z[0])
        loss = np.log1p(q * np.expm1((2 * z - 1) / (2 * s * s)))
        mass, loss = ((1 - q) * under(0) + q * under(1), loss) if direction == "remove" else (under(0), -loss)
        one = np.concatenate([np.exp(1j * np.outer(part, loss)) @ mass for part in np.array_split(u, 16)])
        total += steps * np.log(one)
    return np.exp(total)


def moments(events, direction):
    u = np.array([1e-4])
    log_phi = np.log(characteristic(events, direction, u))[0]
    return log_phi.imag / 1e-4, np.sqrt(-2 * log_phi.real) / 1e-4


def loss_distribution():
    for events in [[(1, 0.1, 100)], [(1.1, 0.01, 1000)], [(0.8, 0.05, 60)], [(1, 0.1, 40), (2, 0.3, 50)]]:
        for direction in ["remove", "add"]:
            mean, sd = moments(events, direction)
            step = 2 * np.pi / (80 * sd)
            u = (np.arange(1024) + 0.5) * step
            phi = characteristic(events, direction, u)
            losses = [float(f"{mean + k * sd:.6g}") for k in [-2, -1, -0.5, 0, 0.5, 1, 2, 3]]
            below = [0.5 - np.sum((np.exp(-1j * u * x) * phi).imag / u) * step / np.pi for x in losses]
            named = [{"noiseMultiplier": s, "samplingRate": q, "steps": steps} for s, q, steps in events]
            yield {"events": named, "direction": direction, "losses": losses, "atMost": [round(float(b), 8) for b in below]}


figures = {
    "clopperPearson": list(clopper_pearson()),
    "kolmogorovSmirnov": list(kolmogorov_smirnov()),
    "lossDistribution": list(loss_distribution()),
}
print(json.dumps(figures, indent=1))
