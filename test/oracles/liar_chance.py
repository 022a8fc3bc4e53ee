"""The chance that a uniformly drawn cohort holds more than f liars, pinned in liar_chance.json for
test/server/admission/liar-chance.test.ts.

Exact: binomial coefficients as integers, probabilities as fractions, rounded once to 25 digits; the chance over all
rounds is 1 - (1 - p)^rounds in decimal arithmetic of 700 digits. The code adds up logarithms in float64 instead.
Run with Python 3.11, no packages:  python3 test/oracles/liar_chance.py > test/oracles/liar_chance.json
"""
import json
from decimal import Decimal, getcontext, localcontext
from fractions import Fraction
from math import comb

getcontext().prec = 700


def upper_tail(population, liars, cohort, f):
    ways = sum(comb(liars, k) * comb(population - liars, cohort - k) for k in range(f + 1, min(liars, cohort) + 1))
    return Fraction(ways, comb(population, cohort))


def shown(value):
    with localcontext() as context:
        context.prec = 25
        return float(+value) if value == 0 or value > Decimal("1e-307") else 0.0


CASES = [
    (100, 10, 20, 4, 50),
    (100, 20, 20, 4, 50),
    (100, 20, 20, 8, 1000),
    (40, 5, 40, 4, 3),
    (40, 5, 40, 5, 3),
    (40, 0, 20, 0, 10),
    (40, 30, 20, 9, 10),
    (40, 30, 20, 10, 10),
    (40, 3, 2, 2, 10),
    (1, 1, 1, 0, 1),
    (20, 4, 7, 2, 0),
    (1000, 50, 100, 20, 10000),
    (1000, 300, 100, 5, 1),
    (5000, 1500, 500, 120, 10),
    (5000, 1500, 500, 400, 10),
    (5000, 400, 800, 373, 100000),
    (10000, 100, 3000, 80, 1),
    (10000, 9000, 5000, 4480, 2),
    (100000, 1000, 300, 60, 100000),
    (100000, 50000, 2000, 1400, 1),
    (100000, 500, 10000, 0, 1),
    (1000000, 10000, 1000, 150, 100000),
    (1000000, 100000, 500, 60, 5),
]

if __name__ == "__main__":
    rows = []
    for population, liars, cohort, f, rounds in CASES:
        p = upper_tail(population, liars, cohort, f)
        exact = Decimal(p.numerator) / Decimal(p.denominator)
        rows.append({"population": population, "liars": liars, "cohort": cohort, "f": f, "rounds": rounds,
                     "perRound": shown(exact), "overall": shown(1 - (1 - exact) ** rounds if rounds else Decimal(0))})
    print("[")
    print(",\n".join(json.dumps(row) for row in rows))
    print("]")
