"""Figures to 30 digits that test/shared/accounting holds the accountants against, in JSON:

logMoments     log A_a of the Poisson-subsampled Gaussian at noise multiplier s and sampling rate q, where
               A_a = E over z ~ N(0, s^2) of ((1-q) + q e^((2z-1)/(2 s^2)))^a          (arXiv 1908.10530, section 3.3),
               integrated as it stands (tanh-sinh, 60 digits, split around both bumps and the bend between them); at whole
               orders the finite binomial sum has to say the same, by which the integral is checked here.
gaussianDelta  delta of T Gaussian releases at epsilon (Balle and Wang, arXiv 1805.06530, theorem 8, with s / sqrt(T))

shared/accounting integrates another expression by another rule in float64. Run with Python 3.11, mpmath 1.3.0:
  python3 test/oracles/accounting_figures.py > test/oracles/accounting_figures.json
"""
import json

from mpmath import binomial, erfc, exp, log, mp, mpf, nstr, pi, quad, sqrt

mp.dps = 60

# The first ten are those of dp_accounting's test_compute_log_a_equals_mpmath; then rates and noise at their edges, rows
# where the published series cancels, and the noise of demo-like settings.
MOMENTS = [('1e-7', '0.1', '1.01'), ('1e-6', '0.1', '256'), ('1e-5', '0.1', '256.1'), ('1e-6', '1', '27'),
           ('1e-4', '1', '1.5'), ('1e-3', '1', '2'), ('0.01', '10', '20'), ('0.1', '100', '20.5'),
           ('0.99', '0.1', '256'), ('0.999', '100', '256.1'), ('0.1', '1', '1.1'), ('0.1', '1', '1.5'),
           ('0.4', '12', '58.5'), ('0.4', '12', '59.5'), ('0.01', '2.5', '1.5'), ('0.01', '2.5', '2.5'),
           ('0.5', '0.3', '1.1'), ('0.5', '0.3', '10.9'), ('1e-9', '0.5', '1.1'), ('1e-9', '50', '3.3'),
           ('0.999999', '1', '1.1'), ('0.04', '1.5', '3.9'), ('0.2', '0.05', '1.3'), ('0.3', '1000', '1.1'),
           ('0.1', '2.8', '7.7'), ('0.1', '2.9', '7.7'), ('0.1', '1.02', '2.9'), ('0.1', '1.02', '1024')]


def log_moment(q, s, a):
    q, s, a = mpf(q), mpf(s), mpf(a)
    bend = s * s * log(1 / q - 1) + mpf(1) / 2
    around = lambda centre, width: [centre + k * width for k in (-24, -8, -3, 0, 3, 8, 24)]
    points = sorted({*around(mpf(0), s), *around(a, s), *around(bend, s * s)})
    moment = lambda z: exp(-z * z / (2 * s * s)) * ((1 - q) + q * exp((2 * z - 1) / (2 * s * s))) ** a
    integral, error = quad(moment, points, maxdegree=8, error=True)
    total = integral / (s * sqrt(2 * pi))
    assert error < mpf('1e-32') * abs(log(total)) * integral, (q, s, a, error)
    if a == int(a):
        n = int(a)
        exact = sum(binomial(n, i) * (1 - q) ** (n - i) * q ** i * exp(mpf(i * i - i) / (2 * s * s)) for i in range(n + 1))
        assert abs(log(total) / log(exact) - 1) < mpf('1e-35'), (q, s, a)
    return log(total)


DELTAS = [('0.7', 2, '1'), ('0.7', 2, '10'), ('1', 5, '12'), ('4.5', 1, '0.9'), ('5', 100, '10'), ('1.7320508', 3, '1'),
          ('0.1', 3, '200'), ('50', 1, '0.05'), ('1000', 1, '0.001'), ('0.5', 1, '40'), ('20', 7, '0')]


def gaussian_delta(s, steps, epsilon):
    s, epsilon = mpf(s) / sqrt(mpf(steps)), mpf(epsilon)
    phi = lambda x: erfc(-x / sqrt(mpf(2))) / 2
    return phi(1 / (2 * s) - epsilon * s) - exp(epsilon) * phi(-1 / (2 * s) - epsilon * s)


show = lambda x: nstr(x, 30, min_fixed=1, max_fixed=0)
print(json.dumps({
    'logMoments': [{'samplingRate': float(q), 'noiseMultiplier': float(s), 'order': float(a), 'value': show(log_moment(q, s, a))}
                   for q, s, a in MOMENTS],
    'gaussianDelta': [{'noiseMultiplier': float(s), 'steps': steps, 'epsilon': float(epsilon),
                       'value': show(gaussian_delta(s, steps, epsilon))} for s, steps, epsilon in DELTAS],
}, indent=1))
