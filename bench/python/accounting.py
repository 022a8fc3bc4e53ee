# The references of bench/accounting.ts: Opacus and dp_accounting, whichever is installed. Reads noise multiplier, sampling
# rate, steps, delta, the epsilon to calibrate to and the number of runs; prints one JSON object: the seconds of each run by
# name, or why there are none. PRV (Opacus) and PLD (dp_accounting) stand under "pld". The first run of each is not counted.
import json
import sys
import time
import warnings

warnings.filterwarnings("ignore")
noise, rate, delta, target = (float(sys.argv[i]) for i in (1, 2, 4, 5))
steps, runs = int(sys.argv[3]), int(sys.argv[6])
found = {}


def measure(name, task):
    seconds = []
    for _ in range(runs + 1):
        started = time.perf_counter()
        task()
        seconds.append(time.perf_counter() - started)
    found[name] = seconds[1:]


def opacus():
    from opacus.accountants import PRVAccountant, RDPAccountant
    from opacus.accountants.utils import get_noise_multiplier

    for name, accountant, kind in (("rdp", RDPAccountant, "rdp"), ("pld", PRVAccountant, "prv")):
        def epsilon():
            made = accountant()
            made.history = [(noise, rate, steps)]
            return made.get_epsilon(delta=delta)

        def calibration():
            return get_noise_multiplier(
                target_epsilon=target, target_delta=delta, sample_rate=rate, steps=steps, accountant=kind)

        measure(f"opacus-{name}-epsilon", epsilon)
        measure(f"opacus-{name}-noise", calibration)


def google():
    import dp_accounting
    from dp_accounting import pld, rdp

    event = lambda s: dp_accounting.SelfComposedDpEvent(
        dp_accounting.PoissonSampledDpEvent(rate, dp_accounting.GaussianDpEvent(s)), steps)
    for name, accountant in (("rdp", rdp.RdpAccountant), ("pld", pld.PLDAccountant)):
        measure(f"dp-accounting-{name}-epsilon", lambda: accountant().compose(event(noise)).get_epsilon(delta))
        measure(f"dp-accounting-{name}-noise",
                lambda: dp_accounting.calibrate_dp_mechanism(accountant, event, target, delta))


for library, name in ((opacus, "opacus"), (google, "dp-accounting")):
    try:
        library()
    except ImportError as missing:
        for task in ("rdp-epsilon", "rdp-noise", "pld-epsilon", "pld-noise"):
            found[f"{name}-{task}"] = f"not installed: {missing}"
print(json.dumps(found))
