"""Epsilons and deltas of random histories by Opacus (RDP, PRV) and dp_accounting (RDP, PLD), where Python has them.

Prints JSON for test/shared/accounting/peer-vectors.test.ts; kept under another name than the script's, because machines
without the two libraries cannot make it again, and then this prints why and exits 0.
  python3 test/oracles/accounting_vectors.py > test/oracles/accounting_peers.json
Made with Python 3.11, numpy 2.4.6, Opacus 1.6.0, dp_accounting 0.6.0.
RDP at the orders of shared/accounting/rdp.ts. Opacus keeps the signs of the series at fractional orders, dp_accounting sums
absolute values. PRV: lower, estimate and upper bound at epsilon error 0.01. PLD: pessimistic, interval 1e-4.
"""
import json
import logging
import random
import sys
import warnings

warnings.filterwarnings("ignore")
logging.disable(logging.WARNING)  # dp_accounting, for each order at which its series does not converge

try:
    import dp_accounting
    from dp_accounting import pld, rdp
    from opacus.accountants import PRVAccountant
    from opacus.accountants.analysis import rdp as opacus_rdp
except ImportError as missing:
    print(json.dumps({"skipped": f"Opacus and dp_accounting are needed: {missing}"}))
    sys.exit(0)

ORDERS = [*((11 + i) / 10 for i in range(99)), *range(11, 64), 128, 256, 512, 1024]
draw = random.Random(20)


def mechanism(longest):
    steps = round(10 ** draw.uniform(0, longest))
    return [round(draw.uniform(0.6, 4), 3), float(f"{10 ** draw.uniform(-3, -0.4):.3g}"), steps]


def histories():
    for _ in range(20):
        yield [mechanism(3.3)]
    for _ in range(6):
        yield [mechanism(2.3) for _ in range(2)]


def row(history):
    delta = draw.choice([1e-4, 1e-5, 1e-6])
    composed = sum(opacus_rdp.compute_rdp(q=q, noise_multiplier=s, steps=k, orders=ORDERS) for s, q, k in history)
    opacus_epsilon, order = opacus_rdp.get_privacy_spent(orders=ORDERS, rdp=composed, delta=delta)
    prv = PRVAccountant()
    prv.history = [tuple(each) for each in history]
    lower, estimate, upper = prv._get_dprv(eps_error=0.01, delta_error=delta / 1000).compute_epsilon(
        delta, delta / 1000, 0.01)
    event = dp_accounting.ComposedDpEvent([
        dp_accounting.SelfComposedDpEvent(dp_accounting.PoissonSampledDpEvent(q, dp_accounting.GaussianDpEvent(s)), k)
        for s, q, k in history])
    google_rdp = rdp.RdpAccountant(ORDERS).compose(event)
    google_pld = pld.PLDAccountant().compose(event)
    epsilon = google_pld.get_epsilon(delta)
    return {
        "history": history,
        "delta": delta,
        "rdpOpacus": {"epsilon": float(opacus_epsilon), "order": float(order)},
        "rdpGoogle": float(google_rdp.get_epsilon(delta)),
        "prv": [float(lower), float(estimate), float(upper)],
        "pldGoogle": float(epsilon),
        "deltaAtHalf": float(google_pld.get_delta(epsilon / 2)),
    }


print(json.dumps([row(history) for history in histories()], indent=1))
