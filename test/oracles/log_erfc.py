"""erfc and log erfc at 30 digits, pinned in log_erfc.json for test/shared/accounting/special.

Independent of shared/accounting/special/log-erfc.ts: mpmath's own erfc at 50 digits, rounded to 30.
Arguments are exact binary fractions, so that both sides mean the same number.
Run with Python 3.11, mpmath 1.3.0:  python3 test/oracles/log_erfc.py > test/oracles/log_erfc.json
"""
import json

from mpmath import erfc, log, mp, mpf, nstr

mp.dps = 50
SMALL = [i / 16 for i in range(-16, 17)] + [2.0**-40, -(2.0**-40), 2.0**-300]
MIDDLE = [1 + 2.0**-20, 1.25, 1.5, 2, 2.5, 3, 4, 5, 6, 6.25, 6.28125, 6.3125, 6.5, 8, 10, 13, 20, 26, 27]
FAR = [30, 100, 1e4, 1e8, 2.0**300]


def row(x):
    exact = erfc(mpf(x)) if x < 1e5 else None
    logarithm = log(exact) if exact is not None else far_logarithm(mpf(x))
    return {"x": x, "erfc": nstr(exact, 30) if exact is not None else "0", "logErfc": nstr(logarithm, 30)}


def far_logarithm(x):
    """-x^2 - log(x sqrt(pi)) + log(1 - 1/(2x^2) + ...): what is left out is below 1e-32."""
    return -x * x - log(x * mp.sqrt(mp.pi)) - 1 / (2 * x * x)


if __name__ == "__main__":
    arguments = SMALL + MIDDLE + [-x for x in MIDDLE] + FAR
    print("[")
    print(",\n".join(json.dumps(row(x)) for x in sorted(arguments)))
    print("]")
