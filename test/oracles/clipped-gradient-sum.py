# Clipped sum of per-example gradients of a 3-2-3 network (tanh, softmax, cross-entropy), derived by hand and computed
# one example at a time in float64. numpy 2.4.6. Prints what test/client-sdk/privacy/per-example-gradients.test.ts
# expects: the tensors end to end, a/bias, a/kernel, b/bias, b/kernel.
import numpy as np

wave = lambda n, step: np.sin(step * np.arange(1, n + 1))
a_bias, a_kernel = wave(2, 0.5), wave(6, 0.7).reshape(3, 2)
b_bias, b_kernel = wave(3, 0.9), wave(6, 1.1).reshape(2, 3)
inputs, labels, clip = 2 * wave(12, 1.3).reshape(4, 3), [0, 2, 1, 2], 0.8 * (1 - 2**-10)

total = np.zeros(2 + 6 + 3 + 6)
for x, y in zip(inputs, labels):
    h = np.tanh(x @ a_kernel + a_bias)
    z = h @ b_kernel + b_bias
    p = np.exp(z) / np.exp(z).sum()
    gz = p - np.eye(3)[y]
    gh = (b_kernel @ gz) * (1 - h**2)
    gradient = np.concatenate([gh, np.outer(x, gh).ravel(), gz, np.outer(h, gz).ravel()])
    total += gradient * min(1, clip / np.linalg.norm(gradient))
print([float(round(v, 9)) for v in total])
