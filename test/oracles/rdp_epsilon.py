"""Figures pinned in test/shared/accounting/: RDP and epsilon of the Poisson-subsampled Gaussian.

Independent of shared/accounting: no binomial sum, no rearranged integrand. The moment
    A_a = E over z ~ N(0, s^2) of ((1-q) + q e^((2z-1)/(2 s^2)))^a      (arXiv 1908.10530, section 3.3)
is integrated numerically at 40 digits. The trapezoid rule on a Gaussian-like integrand that is analytic in a strip
converges exponentially; step s/8, from 16 s below 0 to 16 s above a.
Exact Gaussian (q = 1, T steps): Balle and Wang, arXiv 1805.06530, theorem 8, with s / sqrt(T).
Run with Python 3.11, mpmath 1.3.0:  python3 test/oracles/rdp_epsilon.py
"""
from mpmath import mp, mpf, exp, log, erfc, sqrt, floor, findroot

mp.dps = 40
ORDERS = [*(mpf(11 + i) / 10 for i in range(99)), *range(11, 64), 128, 256, 512, 1024]


def log_moment(q, s, a):
    q, s = mpf(q), mpf(s)
    h = s / 8
    first, last = int(floor(-16 * s / h)), int(floor((a + 16 * s) / h)) + 1
    total = mpf(0)
    for k in range(first, last):
        z = k * h
        total += exp(-z * z / (2 * s * s)) * ((1 - q) + q * exp((2 * z - 1) / (2 * s * s))) ** a
    return log(total * h / (s * sqrt(2 * mp.pi)))


def rdp(events, a):
    return sum(steps * log_moment(q, s, a) / (a - 1) for s, q, steps in events)


def epsilon(events, delta):
    d = mpf(delta)
    return min((rdp(events, a) + log(1 - mpf(1) / a) - (log(d) + log(a)) / (a - 1), a) for a in ORDERS)


def exact_gaussian_epsilon(s, steps, delta):
    s = mpf(s) / sqrt(mpf(steps))
    phi = lambda x: erfc(-x / sqrt(mpf(2))) / 2
    gap = lambda e: phi(1 / (2 * s) - e * s) - exp(e) * phi(-1 / (2 * s) - e * s) - mpf(delta)
    return findroot(gap, (mpf('0.01'), mpf(60)), solver='bisect', maxsteps=200, tol=1e-30)


show = lambda x: mp.nstr(x, 15)

print('log A (q, s, a)')
for q, s, a in [('1e-6', '0.1', 256), ('1e-6', '1', 27), ('1e-3', '1', 2), ('0.01', '10', 20), ('0.99', '0.1', 256),
                ('0.1', '1.03', 2), ('0.1', '1.03', 7), ('0.1', '1.03', 63), ('0.1', '1.03', 1024)]:
    print(q, s, a, show(log_moment(q, s, a)))

print('epsilon, best order: events (s, q, steps), delta')
for events, delta in [([('1.03', '0.1', 10)], '1e-4'), ([('1.03', '0.1', 150)], '1e-4'),
                      ([('2.5', '0.02', 700)], '1e-6'),
                      ([('1', '0.01', 1000), ('1.5', '0.02', 500)], '1e-5')]:
    e, a = epsilon(events, delta)
    print(events, delta, show(e), show(a))

print('exact Gaussian epsilon: s, steps, delta')
for s, steps, delta in [('0.7', 2, '1e-5'), ('1', 5, '1e-6'), ('4.530877117', 1, '1e-6'), ('5', 100, '1e-5')]:
    print(s, steps, delta, show(exact_gaussian_epsilon(s, steps, delta)))
