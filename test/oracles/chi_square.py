"""Exact chi-square quantiles over d, pinned in chi_square.json for test/server/update/anomaly.

Independent of server/update/anomaly, which uses a bound (Laurent & Massart 2000): here the regularised incomplete gamma
functions themselves, P by its series and Q by its continued fraction (Abramowitz & Stegun 6.5.29, 6.5.31), inverted by
bisection, so that the bound can be seen to lie on the safe side and not far from the truth.
Run with Python 3.11, standard library only:  python3 test/oracles/chi_square.py > test/oracles/chi_square.json
"""
import json
from math import exp, lgamma, log


def lower_tail(d, x):
    a, y = d / 2, x / 2
    term = total = 1.0
    k = 0
    while term > total * 1e-17:
        k += 1
        term *= y / (a + k)
        total += term
    return exp(a * log(y) - y - lgamma(a + 1)) * total


def upper_tail(d, x):
    a, y = d / 2, x / 2  # modified Lentz
    b = y + 1 - a
    c, e = 1e300, 1 / b
    h = e
    for i in range(1, 100_000):
        an = -i * (i - a)
        b += 2
        e = 1 / (an * e + b)
        c = b + an / c
        h *= e * c
        if abs(e * c - 1) < 1e-15:
            return exp(a * log(y) - y - lgamma(a)) * h
    raise ArithmeticError


def bisect(holds, low, high):
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low


def row(d, tail):
    lower = bisect(lambda x: lower_tail(d, x) < tail, 1e-9, d)
    upper = bisect(lambda x: upper_tail(d, x) > tail, d + 2.0, 20 * d + 200)
    return {"parameters": d, "tail": tail, "lowerOverD": round(lower / d, 9), "upperOverD": round(upper / d, 9)}


if __name__ == "__main__":
    rows = [row(d, tail) for d in (10, 100, 1000, 7850, 100_000) for tail in (0.05, 1e-3, 1e-6, 1e-6 / 300)]
    print("[")
    print(",\n".join(json.dumps(r) for r in rows))
    print("]")
