"""The local optimisers of a client, by their closed sums instead of their recursions.

One parameter at 0, learning rate 0.1, four gradients; its value after the last of them. Momentum: velocity of step k is
the sum of beta^(k-i) g_i. Adam (Kingma and Ba, arXiv 1412.6980, section 3): both moments are weighted means of all
gradients, the weights (1 - beta) beta^(k-i) over their sum 1 - beta^k. Equal to torch.optim 2.13 (SGD, Adam) to 1e-15.
Pinned in test/client-sdk/training/local-optimiser.test.ts. Run with Python 3.12; needs nothing.
"""

import json
from math import sqrt

RATE = 0.1
GRADIENTS = (0.5, -1.0, 2.0, 0.25)


def weighted_mean(values, beta):
    weights = [beta ** (len(values) - 1 - i) for i in range(len(values))]
    return sum(w * v for w, v in zip(weights, values)) / sum(weights)


def momentum(beta):
    steps = range(len(GRADIENTS))
    return sum(-RATE * sum(beta ** (k - i) * GRADIENTS[i] for i in range(k + 1)) for k in steps)


def adam(beta1, beta2, epsilon):
    value = 0.0
    for k in range(len(GRADIENTS)):
        seen = GRADIENTS[: k + 1]
        value -= RATE * weighted_mean(seen, beta1) / (sqrt(weighted_mean([g * g for g in seen], beta2)) + epsilon)
    return value


print(json.dumps({"momentum 0.8": momentum(0.8), "adam 0.9 0.999 1e-8": adam(0.9, 0.999, 1e-8)}))
