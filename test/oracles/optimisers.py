"""Server optimisers over six rounds, pinned in optimisers.json for test/server/optimiser/oracle.test.ts.

Written from the papers, not from server/optimiser: FedAvgM from Hsu et al. 2019 (arXiv 1909.06335), FedAdam and FedYogi
from Reddi et al. 2021 (arXiv 2003.00295, algorithm 2), whole vectors in float64 with what is stored between rounds
rounded to float32. Momentum is checked in its closed form too: after t rounds it is the sum of beta^(t-s) delta_s, and
Yogi's second moment in its two branches, in the place of the sign. Only random.random() feeds the cases, whose stream
Python promises to keep. Aggregates are far apart in size, so that Yogi's branches both occur.
Run with Python 3.11, numpy 2.4.6:  python3 test/oracles/optimisers.py > test/oracles/optimisers.json
"""
import json
import random

import numpy as np

ROUNDS, D = 6, 5
BETA1, BETA2, TAU = 0.9, 0.99, 1e-3


def stored(values):
    """What is left of float64 values once they have been kept as float32."""
    return np.asarray(values, dtype=np.float64).astype(np.float32).astype(np.float64)


def plain(deltas, options):
    return [(delta * options["learningRate"], []) for delta in deltas]


def momentum(deltas, options):
    beta, rate = options["beta"], options["learningRate"]
    history, velocity = [], np.zeros(D)
    for t, delta in enumerate(deltas):
        exact = velocity * beta + delta
        closed = sum(beta ** (t - s) * deltas[s] for s in range(t + 1))
        assert np.allclose(exact, closed, rtol=1e-5, atol=1e-9)
        velocity = stored(exact)
        history.append((exact * rate, [velocity]))
    return history


def adaptive(second_moment):
    def run(deltas, options):
        beta1, beta2, tau, rate = (options[key] for key in ("beta1", "beta2", "tau", "learningRate"))
        m, v, history = np.zeros(D), stored(np.full(D, tau**2)), []
        for delta in deltas:
            exact_m = beta1 * m + (1 - beta1) * delta
            exact_v = second_moment(v, delta**2, beta2)
            history.append((rate * exact_m / (np.sqrt(exact_v) + tau), [stored(exact_m), stored(exact_v)]))
            m, v = history[-1][1]
        return history
    return run


adam = adaptive(lambda v, square, beta2: beta2 * v + (1 - beta2) * square)


def yogi_moment(v, square, beta2):
    grown, shrunk = v + (1 - beta2) * square, v - (1 - beta2) * square
    return np.where(square > v, grown, np.where(square < v, shrunk, v))


yogi = adaptive(yogi_moment)

DEFAULTS = {"beta1": BETA1, "beta2": BETA2, "tau": TAU, "learningRate": 0.01}
CASES = [
    ("plain", plain, {"learningRate": 1.0}),
    ("plain", plain, {"learningRate": 0.3}),
    ("momentum", momentum, {"beta": 0.9, "learningRate": 1.0}),
    ("momentum", momentum, {"beta": 0.5, "learningRate": 0.25}),
    ("adam", adam, DEFAULTS),
    ("adam", adam, {"beta1": 0.0, "beta2": 0.9, "tau": 0.1, "learningRate": 1.0}),
    ("yogi", yogi, DEFAULTS),
    ("yogi", yogi, {"beta1": 0.5, "beta2": 0.7, "tau": 0.1, "learningRate": 0.1}),
]


def case(rng, name, run, options):
    scales = [10.0 ** (int(rng.random() * 5) - 3) for _ in range(ROUNDS)]
    deltas = [stored([scale * (2 * rng.random() - 1) for _ in range(D)]) for scale in scales]
    history = run(deltas, options)
    return {
        "name": name,
        "options": options,
        "rounds": [
            {
                "aggregate": delta.tolist(),
                "step": stored(step).tolist(),
                "state": [vector.tolist() for vector in state],
            }
            for delta, (step, state) in zip(deltas, history)
        ],
    }


if __name__ == "__main__":
    rng = random.Random(20200229)
    print("[")
    print(",\n".join(json.dumps(case(rng, *each)) for each in CASES))
    print("]")
