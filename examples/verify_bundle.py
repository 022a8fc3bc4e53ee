"""Verifies one round of a federation from its bundle, with nothing of Muster's: standard library and numpy.

  python3 examples/verify_bundle.py BUNDLE [--checkpoint NOTE] [--key HEX]

Proves: the ledger's key signed a history that holds these entries, each in its place; seed and record are the
ones committed to there; the seed draws this cohort; every client signed the update counted for it; and the
rule of the federation (mean, Krum and multi-Krum with nothing in front of them, and the plain optimiser), run
again in float64 over these updates, selects the same clients and makes the same model, bit for bit. Scores,
ranks, distances, shares and, where the subsets are few, the certificate are checked as well. Of other rules and
optimisers it says what it has not computed: `muster bundle verify` computes all of them.
Under central privacy: the plain optimiser, run again over the aggregate that was released, noise included,
makes the same model; no figure of an update is told; and where the bundle was exported with the updates, the
aggregate holds their clipped sum and noise of the declared size. The noise itself is kept nowhere.
Cannot know: whether clients trained as agreed; whether all who could be eligible are listed; whether the
reasons for leaving an update out before the rule (flags, refusals, epsilons) are right, nor the warnings, the
condition and the estimate of liars that the record adds; whether others are shown the same ledger (compare
NOTE, the file of a checkpoint kept elsewhere); whether its key is the federation's (HEX, from an invite).

BUNDLE comes from `muster bundle export N FILE`. Exit code 0 and a summary, or 1 and the first thing that is
wrong.
"""
import argparse
import base64
import hashlib
import itertools
import json
import math
import struct
import sys
import zipfile

import numpy as np


def verify(path, key, note):
    """All that is checked, in order. key: hex or None; note: text of a checkpoint or None. -> lines of a
    summary."""
    bundle, blobs = read_zip(path)
    entries, head, heads = verify_history(bundle, key, note)
    before, course = cut_round(entries, bundle['round'])
    record, config = verify_texts(bundle, entries, course)
    origin = verify_seed(bundle, record, before)
    verify_cohort(record, config, before)
    verify_verdicts(record, course, before)
    tensors = [{'name': tensor['name'], 'shape': tensor['shape']} for tensor in config['model']['tensors']]
    tensors.sort(key=lambda tensor: tensor['name'].encode('utf-16-be'))
    announced = verify_statements(bundle, record, course, heads, terms_of(config, tensors))
    central, sent = config['privacy']['mode'] == 'central', {each['update'] for each in record['updates']}
    is_whole = not central or bool(sent & set(blobs))
    blobs_of(record, blobs, origin.get('baseModel'), is_whole)
    updates = verify_updates(record, course, announced, blobs, tensors, is_whole, central)
    if central:
        left = verify_release(bundle, record, config, course, updates if is_whole else None, blobs, tensors,
                              origin.get('baseModel'))
    else:
        left = verify_model(bundle, record, config, updates, blobs, tensors)
    outcome = f'{record["state"]} with {len(record["updates"])} updates, model {record["model"]}'
    return (f'round {record["number"]} of {bundle["federation"]}: {outcome}\n'
            f'checkpoint: size {head["size"]}, root {head["root"]}, key {entries[0]["ledgerKey"]}'
            + ''.join(f'\nnot computed again: {what}' for what in left))


class Wrong(Exception):
    pass


def require(holds, what):
    if not holds:
        raise Wrong(what)


def sha256(content):
    return hashlib.sha256(content.encode() if isinstance(content, str) else content).hexdigest()


def canonical(value):
    """RFC 8785, for values without fractions."""
    return json.dumps(value, sort_keys=True, separators=(',', ':'), ensure_ascii=False)


# --- The file.

def read_zip(path):
    """-> bundle.json, and the blobs by digest."""
    with zipfile.ZipFile(path) as archive:
        require(sum(each.file_size for each in archive.infolist()) < 2**31, 'the bundle is too large')
        is_stored = all(each.compress_type == zipfile.ZIP_STORED for each in archive.infolist())
        require(is_stored, 'the bundle is not as it was exported: it is compressed')
        files = {name: archive.read(name) for name in archive.namelist()}
    bundle = json.loads(files.pop('bundle.json'))
    form = set('form federation round checkpoint entries consistency record config clients'.split())
    require(set(bundle) == form and bundle['form'] == 'muster-bundle/1', 'bundle.json does not fit its form')
    for name, content in files.items():
        require(name == f'blobs/{sha256(content)}', f'{name} is not the blob that its name says')
    return bundle, {name[len('blobs/'):]: content for name, content in files.items()}


# --- The history: entries under a signed checkpoint (C2SP tlog-checkpoint, RFC 9162 section 2.1).

def verify_history(bundle, key, note):
    """-> entries by sequence, the signed head, and the root of every size that is proven to be of this
    history."""
    stated = bundle['entries']
    entries = [{**json.loads(each['text']), 'text': each['text']} for each in stated]
    places = [each['sequence'] for each in stated]
    require(places == [entry['sequence'] for entry in entries], 'an entry has another place than it says')
    require(places == sorted(set(places)), 'the entries are out of order')
    require({entry['federation'] for entry in entries} == {bundle['federation']},
            'an entry is of another federation')
    founded = entries[0]['sequence'] == 1 and entries[0]['type'] == 'federation-founded'
    require(founded, 'entry 1 does not found the federation')
    own, origin = entries[0]['ledgerKey'], f'muster/{bundle["federation"]}'
    require(key in (None, own), 'the ledger is of another key')
    head = open_checkpoint(bundle['checkpoint'], origin, own)
    previous = {1: '0' * 64}
    for entry, each in zip(entries, stated):
        place, leaf = entry['sequence'], hashlib.sha256(b'\0' + each['text'].encode()).digest()
        proven = (0 < place <= head['size']
                  and root_over(leaf, place - 1, head['size'], steps_of(each)) == head['root'])
        require(proven, f'entry {place} is not under the checkpoint')
        require(previous.get(place) in (None, entry['previous']),
                f'entry {place} does not continue the one before')
        previous[place + 1] = leaf.hex()
    heads = {head['size']: head['root']}
    for old in bundle['consistency']:
        proven = 0 < old['size'] <= head['size'] and (old['root'], head['root']) == roots_of(
            old['size'], head['size'], steps_of(old), bytes.fromhex(old['root']))
        require(proven, f'the head of size {old["size"]} is not of this history')
        heads[old['size']] = old['root']
    if note is not None:
        held = open_checkpoint(note, origin, own)
        require(held['size'] in heads, 'the bundle does not say whether it continues the checkpoint you hold')
        require(heads[held['size']] == held['root'], 'the ledger was rewritten since the checkpoint you hold')
    return entries, head, heads


def open_checkpoint(note, origin, key):
    text, _, signatures = note.partition('\n\n')
    named, size, root = text.split('\n')
    require(named == origin, f'the checkpoint is of {named}')
    key_id = hashlib.sha256(f'{origin}\n'.encode() + b'\x01' + bytes.fromhex(key)).digest()[:4]
    lines = [line.split(' ') for line in signatures.splitlines()]
    raws = [unbase64(line[2]) for line in lines if line[:2] == ['—', origin]]
    own = [raw[4:].hex() for raw in raws if raw[:4] == key_id]
    signed = own and all(is_signed(key, signature, f'{text}\n'.encode()) for signature in own)
    require(signed, 'the checkpoint is not signed by the ledger’s key')
    return {'size': int(size), 'root': unbase64(root).hex()}


def unbase64(text):
    raw = base64.b64decode(text, validate=True)
    require(base64.b64encode(raw).decode() == text, 'a base64 of the checkpoint is not canonical')
    return raw


def steps_of(proven):
    return [bytes.fromhex(step) for step in proven['proof']]


def node(left, right):
    return hashlib.sha256(b'\x01' + left + right).digest()


def split(size):
    """The largest power of two below size: the leaves of a tree's left branch."""
    return 1 << (size - 1).bit_length() - 1


def root_over(leaf, index, size, proof):
    """The root, in hex, of a tree of `size` leaves that has this leaf at this index."""
    def climb(index, size, proof):
        if size == 1:
            require(not proof, 'a proof is too long')
            return leaf
        require(proof, 'a proof is too short')
        left = split(size)
        if index < left:
            return node(climb(index, left, proof[:-1]), proof[-1])
        return node(proof[-1], climb(index - left, size - left, proof[:-1]))
    return climb(index, size, proof).hex()


def roots_of(old_size, size, proof, old_root):
    """The roots, in hex, of the first old_size leaves and of all: what a consistency proof makes of the old
    root."""
    def climb(old, size, proof, known):
        if old == size:
            require(len(proof) == (0 if known else 1), 'a proof has another length')
            return (known or proof[0],) * 2
        require(proof, 'a proof is too short')
        left = split(size)
        if old <= left:
            was, now = climb(old, left, proof[:-1], known)
            return was, node(now, proof[-1])
        was, now = climb(old - left, size - left, proof[:-1], None)
        return node(proof[-1], was), node(proof[-1], now)
    was, now = climb(old_size, size, proof, old_root)
    return was.hex(), now.hex()


# --- Ed25519 (RFC 8032, section 5.1), on affine points: slow and short.

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P


def add(a, b):
    (x1, y1), (x2, y2) = a, b
    t = D * x1 * x2 * y1 * y2 % P
    return (x1 * y2 + x2 * y1) * pow(1 + t, -1, P) % P, (y1 * y2 + x1 * x2) * pow(1 - t, -1, P) % P


def times(n, point):
    total = (0, 1)
    while n:
        total = add(total, point) if n & 1 else total
        point, n = add(point, point), n >> 1
    return total


def encoded(point):
    return (point[1] | (point[0] & 1) << 255).to_bytes(32, 'little')


def decoded(key):
    y = int.from_bytes(key, 'little') & (2**255 - 1)
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    root = pow(square, (P + 3) // 8, P)
    for x in (root, root * pow(2, (P - 1) // 4, P) % P):
        for point in ((x, y), (-x % P, y)):
            if x * x % P == square and encoded(point) == key:
                return point
    raise Wrong('a key is no point of the curve')


BASE = decoded((4 * pow(5, -1, P) % P).to_bytes(32, 'little'))


def is_signed(key, signature, message):
    """key, signature: hex."""
    key, signature = bytes.fromhex(key), bytes.fromhex(signature)
    s = int.from_bytes(signature[32:], 'little')
    k = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), 'little')
    x, y = times(k % L, decoded(key))
    return s < L and encoded(add(times(s, BASE), (-x % P, y))) == signature[:32]


# --- The round: what the bundle says of it against the entries.

def cut_round(entries, number):
    """-> the entries before its offer, and all from the offer to the end."""
    of_round = [entry for entry in entries if entry.get('round') == number]
    offers = [entry['sequence'] for entry in of_round if entry['type'] == 'round-offered']
    ends = [entry['sequence'] for entry in of_round
            if entry['type'] in ('round-committed', 'round-abandoned')]
    require(len(offers) == len(ends) == 1, 'the entries do not make one round')
    course = [entry for entry in entries if offers[0] <= entry['sequence'] <= ends[0]]
    require(len(course) == ends[0] - offers[0] + 1, 'entries of the round are left out')
    return [entry for entry in entries if entry['sequence'] < offers[0]], course


def verify_texts(bundle, entries, course):
    """-> record and configuration. Their digests are on the ledger, and so their very texts are bound."""
    record, config = json.loads(bundle['record']), json.loads(bundle['config'])
    offer, end = course[0], course[-1]
    newest = [entry['configDigest'] for entry in entries if 'configDigest' in entry][-1]
    require(sha256(bundle['config']) == newest, 'the configuration is not the ledger’s')
    require(sha256(bundle['record']) == end['record'], 'the record is not the ledger’s')
    said = {'number': bundle['round'], 'state': end['type'][len('round-'):], 'code': None, 'model': None}
    said |= {fact: offer[fact] for fact in ('baseModel', 'cohort', 'f')}
    said |= {fact: end[fact] for fact in ('baseModel', 'model', 'code', 'seed') if fact in end}
    for fact, value in said.items():
        require(record[fact] == value, f'the record and the ledger differ: {fact}')
    kept = record['optimiser']['stateAfter'] == end.get('optimiserState')
    require(kept, 'the record and the ledger differ: optimiserState')
    require(sha256(canonical(record['eligible'])) == offer['eligibleDigest'],
            'the record names others as eligible')
    return record, config


def verify_seed(bundle, record, before):
    """-> the entry that the base model comes from."""
    committed = [entry['seedCommitment'] for entry in before
                 if (entry['type'], entry.get('round')) == ('round-seed-committed', bundle['round'])]
    seed = {'domain': 'muster/round-seed/v1', 'federation': bundle['federation'], 'round': bundle['round'],
            'seed': record['seed']}
    is_kept = committed == [record['seedCommitment']] == [sha256(canonical(seed))]
    require(is_kept, 'the seed is not the one committed to before the offer')
    origins = [entry for entry in before if entry['type'] in ('federation-founded', 'round-committed')
               and entry['model'] == record['baseModel']]
    require(origins, 'no entry says where the base model comes from')
    known = record['optimiser']['stateBefore'] == origins[-1].get('optimiserState')
    require(known, 'the optimiser’s state is not that of the base model')
    return origins[-1]


def organisations_of(before):
    return {entry['client']: entry['organisation'] for entry in before if entry['type'] == 'client-enrolled'}


def verify_cohort(record, config, before):
    """The draw: by SHA-256 of seed and id, no more than maxPerOrganisation of one organisation; and what f is
    of it."""
    eligible, organisations, wish = record['eligible'], organisations_of(before), config['cohort']
    require(eligible == sorted(set(eligible)), 'the record names clients out of order')
    require(set(eligible) <= set(organisations), 'who was eligible had not enrolled')
    taken, drawn = [], []
    for client in sorted(eligible, key=lambda client: sha256(bytes.fromhex(record['seed'] + client))):
        organisation = organisations[client]
        if wish['maxPerOrganisation'] is None or taken.count(organisation) < wish['maxPerOrganisation']:
            drawn.append(client)
            taken.append(organisation)
    drawn = sorted(drawn[:wish['size']])
    require(drawn == record['cohort'], 'the seed draws another cohort')
    held_by = [organisations[client] for client in drawn]
    sizes = sorted((held_by.count(organisation) for organisation in set(held_by)), reverse=True)
    dishonest = config['rule'].get('dishonestOrganisations')
    f = liars(config['rule']['f'], len(drawn)) if dishonest is None else sum(sizes[:dishonest])
    require(f == record['f'], 'f is not what the configuration says')


def liars(f, offered):
    """A fraction is rounded up; one rounding of floating point is forgiven."""
    share = f * offered if f < 1 else f
    return round(share) if abs(share - round(share)) <= share * sys.float_info.epsilon else math.ceil(share)


def verify_verdicts(record, course, before):
    """Everyone in the cohort has one, the same on the ledger; it is in the record's updates if it reached the
    rule."""
    verdicts, organisations = record['verdicts'], organisations_of(before)
    entered = [entry for entry in course if entry['type'] == 'verdict']
    same = len(entered) == len(verdicts) and all(
        {fact: entry.get(fact) for fact in verdict} == verdict for entry, verdict in zip(entered, verdicts))
    require(same, 'the verdicts are not the ledger’s')
    require([verdict['client'] for verdict in verdicts] == record['cohort'], 'not everyone has one verdict')
    require(all(organisations[verdict['client']] == verdict['organisation'] for verdict in verdicts),
            'a verdict names another organisation')
    judged = [verdict['client'] for verdict in verdicts if verdict['verdict'] in ('selected', 'not-selected')]
    require(judged == [each['client'] for each in record['updates']],
            'the verdicts name others than the updates do')


# --- The updates: what clients signed, and the bytes.

def blobs_of(record, blobs, parent, is_whole):
    """Those that the record names and no other. parent: of the base model, or None. is_whole: with updates."""
    central = record['central'] or {}
    begun = parent if record['code'] == 'gate-failed' else (central or record['aggregation'] or {}).get('reference')
    needed = {record['baseModel'], record['model'], begun, central.get('aggregate'),
              record['optimiser']['stateBefore']} - {None}
    needed |= {each['update'] for each in record['updates'] if is_whole}
    named = needed | {verdict['updateDigest'] for verdict in record['verdicts']}
    require(needed <= set(blobs) <= named, 'the blobs are not those that the record names')


def terms_of(config, tensors):
    """What a statement says beside its own update."""
    privacy, training = config['privacy'], config.get('training')
    claims = {'none': lambda: None, 'local': lambda: {
        'samplingRate': training['samplingRate'], 'clippingNormL2': training['clippingNormL2'],
        'noiseMultiplier': privacy['noiseMultiplier'], 'steps': training['stepsPerRound']}, 'central': lambda: {
        'noiseBy': 'coordinator', 'noiseMultiplier': privacy['noiseMultiplier'],
        'clippingNormL2': privacy['clippingNormL2'], 'plannedClients': privacy['plannedClients']}}
    claim = claims[privacy['mode']]()
    return {'federation': config['federation'], 'privacy': claim, 'schemaDigest': sha256(canonical(tensors))}


def verify_statements(bundle, record, course, heads, terms):
    """-> the statement of each client that made one."""
    keys, announced = bundle['clients'], {}
    require(sorted(keys) == record['cohort'], 'the keys are not those of the cohort')
    require(all(sha256(bytes.fromhex(keys[client])) == client for client in keys),
            'a key is not its client’s')
    terms = {**terms, 'round': record['number'], 'baseModelDigest': record['baseModel']}
    for entry in course:
        if entry['type'] != 'update-announced':
            continue
        client, statement, seen = entry['client'], entry['envelope'], entry['envelope']['checkpoint']
        require(client in keys and client not in announced, f'a statement too many of {client}')
        fits = statement['client'] == client and {fact: statement[fact] for fact in terms} == terms
        require(fits, f'the statement of {client} is not for this round')
        # Signed as it is written: canonical JSON, in the entry as alone.
        start = entry['text'].index('"envelope":') + len('"envelope":')
        written, end = json.JSONDecoder().raw_decode(entry['text'], start)
        message = f'muster/update-envelope/v1\n{entry["text"][start:end]}'.encode()
        signed = written == statement and is_signed(keys[client], entry['signature'], message)
        require(signed, f'the statement of {client} is not signed by it')
        known = seen['size'] < entry['sequence'] and heads.get(seen['size']) == seen['root']
        require(known, f'the ledger that {client} saw is not this one')
        announced[client] = statement
    return announced


def verify_updates(record, course, announced, blobs, tensors, is_whole, central):
    """-> the values of each update that reached the rule and is in the bundle, by client id."""
    staged = {entry['client']: entry for entry in course if entry['type'] == 'update-staged'}
    verdicts = {verdict['client']: verdict for verdict in record['verdicts']}
    for client, verdict in verdicts.items():
        require(verdict['updateDigest'] == announced.get(client, {}).get('updateDigest'),
                f'the verdict of {client} is on another update')
    updates = {each['client']: each['update'] for each in record['updates']}
    values = {}
    for client, digest in updates.items():
        what, figures = f'the update of {client}', staged[client]['figures']
        signed = staged[client]['update'] == verdicts[client]['updateDigest'] == digest
        require(signed, f'{what} is not the one it signed')
        require({fact: verdicts[client][fact] for fact in figures} == figures, f'{what} has other figures')
        if not is_whole:
            continue
        require(announced[client]['byteLength'] == len(blobs[digest]), f'{what} has another length')
        values[client] = flat(blobs[digest], tensors, what)[0]
        if central:
            continue
        found = {'normL2': norm(values[client]), 'maxAbsolute': float(np.abs(values[client]).max())}
        require(figures == {**figures, **found}, f'{what} has other figures')
    return values


def flat(file, tensors, what):
    """safetensors -> float32 values in the order of the tensors, and its metadata."""
    length = struct.unpack('<Q', file[:8])[0]
    header, body = json.loads(file[8:8 + length]), file[8 + length:]
    metadata = header.pop('__metadata__', None)
    require(sorted(header) == sorted(tensor['name'] for tensor in tensors), f'{what} has other tensors')
    spans = sorted(entry['data_offsets'] for entry in header.values())
    is_tiled = [0] + [stop for _, stop in spans] == [start for start, _ in spans] + [len(body)]
    require(is_tiled, f'{what} has holes or overlaps')
    parts = []
    for name, shape in ((tensor['name'], tensor['shape']) for tensor in tensors):
        start, stop = header[name]['data_offsets']
        said = header[name]['dtype'], header[name]['shape'], stop - start
        require(said == ('F32', shape, 4 * math.prod(shape)), f'{what} has another shape at {name}')
        parts.append(np.frombuffer(body[start:stop], '<f4'))
    values = np.concatenate(parts)
    require(np.isfinite(values).all(), f'{what} is not finite')
    return values, metadata


# --- The rule, in float64. cumsum adds one by one, in the order of the index: the bits depend on it.

def total(terms):
    return float(np.cumsum(terms)[-1]) if len(terms) else 0.0


def norm(values):
    return math.sqrt(total(values.astype(np.float64) ** 2))


def verify_model(bundle, record, config, updates, blobs, tensors):
    """-> what was not computed again."""
    base, _ = flat(blobs[record['baseModel']], tensors, 'the base model')
    told, optimiser = record['rule'], config['optimiser']
    require(told['name'] == config['rule']['name'], 'the record is of another rule')
    require([each['name'] for each in told['pre']] == [each['name'] for each in config['rule'].get('pre', [])],
            'the record has other stages in front of its rule')
    require(record['optimiser']['name'] == optimiser['name'], 'the record is of another optimiser')
    if record['model']:
        made, metadata = flat(blobs[record['model']], tensors, 'the model')
        parentage = {'federation': bundle['federation'], 'round': str(record['number'])}
        parentage['parent'] = record['baseModel']
        require(metadata == parentage, 'the model names another origin')
    wish, clients = plain_rule(config['rule']), sorted(updates)
    if wish is None:
        return [f'the aggregate of {" and ".join([told["name"], *(each["name"] for each in told["pre"])])}',
                'who was selected and with which figures', 'the model', 'the optimiser’s state']
    code, outcome = 'cohort-too-small', judge(wish, [updates[client] for client in clients], record['f'])
    if len(clients) < config['cohort'].get('quorum', 1):
        outcome = None
    if outcome is None:
        require((record['state'], record['code']) == ('abandoned', code), 'it ended otherwise')
        return []
    best, _, m, _ = outcome
    with np.errstate(over='ignore'):
        aggregate = (sum(updates[clients[i]].astype(np.float64) for i in sorted(best)) / m).astype(np.float32)
    if optimiser['name'] != 'plain':
        require(record['code'] in (None, 'gate-failed'), 'it ended otherwise')
        if record['model']:
            verify_figures(record, [updates[client] for client in clients], aggregate, outcome)
        return [f'the step of {optimiser["name"]}', 'the model', 'the optimiser’s state']
    with np.errstate(over='ignore'):
        step = (optimiser['learningRate'] * aggregate.astype(np.float64)).astype(np.float32)
        model = (base.astype(np.float64) + step.astype(np.float64)).astype(np.float32)
    code = None if np.isfinite(model).all() else 'gate-failed'
    require((record['state'], record['code']) == ('abandoned' if code else 'committed', code),
            'it ended otherwise')
    require(record['optimiser']['stateAfter'] is None, 'the plain optimiser remembers something')
    if code:
        return []
    require(made.tobytes() == model.tobytes(), 'the rule makes another model')
    require(record['stepNormL2'] == norm(step), 'the record tells another step')
    verify_figures(record, [updates[client] for client in clients], aggregate, outcome)
    return []


OPEN_FACTS = set('client organisation verdict code layer updateDigest epsilon flags'.split())


def verify_release(bundle, record, config, course, updates, blobs, tensors, parent):
    """A round under central privacy. updates: None where they are not in the bundle. parent: of the base model.
    -> what was not computed again."""
    for verdict in record['verdicts']:
        hidden = [fact for fact in verdict if fact not in OPEN_FACTS]
        require(not verdict['flags'] and all(verdict[fact] is None for fact in hidden),
                'the record shows what a single update is like')
    require(record['aggregation'] is None, 'the record shows how the updates lie')
    if record['state'] == 'abandoned':
        return [f'whether it had to be abandoned ({record["code"]})']
    told, wish, optimiser = record['central'], config['privacy'], config['optimiser']
    charged = [entry for entry in course if entry['type'] == 'round-charged'][-1]
    terms = {'noiseMultiplier': wish['noiseMultiplier'], 'plannedClients': wish['plannedClients'],
             'noiseCommitment': charged['noiseCommitment'],
             'reference': parent if record['rule']['name'] == 'centered-clipping' else None}
    if wish['adaptiveClipping'] is None:
        terms |= dict.fromkeys(('clippingNormL2', 'nextClippingNormL2'), wish['clippingNormL2'])
    require({**told, **terms} == told and charged['noiseMultiplier'] == wish['noiseMultiplier'],
            'the release is not on the terms, or not as it was charged')
    base, _ = flat(blobs[record['baseModel']], tensors, 'the base model')
    aggregate, kind = flat(blobs[told['aggregate']], tensors, 'the aggregate')
    origin = {'federation': bundle['federation'], 'round': str(record['number'])}
    require(kind == {**origin, 'kind': 'aggregate'}, 'the aggregate names another origin')
    require(record['aggregateNormL2'] == norm(aggregate), 'the record tells another aggregate')
    made, metadata = flat(blobs[record['model']], tensors, 'the model')
    require(metadata == {**origin, 'parent': record['baseModel']}, 'the model names another origin')
    require(record['optimiser']['name'] == optimiser['name'], 'the record is of another optimiser')
    if optimiser['name'] == 'plain':
        step = (optimiser['learningRate'] * aggregate.astype(np.float64)).astype(np.float32)
        model = (base.astype(np.float64) + step.astype(np.float64)).astype(np.float32)
        require(made.tobytes() == model.tobytes(), 'the released aggregate makes another model')
        require(record['stepNormL2'] == norm(step), 'the record tells another step')
        left = []
    else:
        left = [f'the step of {optimiser["name"]}', 'the model', 'the optimiser’s state']
    if updates is None:
        return [*left, 'the aggregate: the updates are not in the bundle, their sum would undo the noise']
    centre = np.zeros(len(aggregate), np.float32)
    if told['reference'] is not None:
        centre = base - flat(blobs[told['reference']], tensors, 'the parent of the base model')[0]
    verify_noise(wish, told, list(updates.values()), aggregate.astype(np.float64), centre.astype(np.float64))
    return [*left, 'the noise: it is kept nowhere. Beside the un-noised sum the aggregate holds noise of its size']


def verify_noise(wish, told, updates, aggregate, centre):
    """The squared norm of what lies beside the clipped sum, in units of the noise, is chi-square of d (Laurent
    and Massart 2000, lemma 1): a chance of 1e-12 for an honest round to fail."""
    multiplier, adaptive, clip = wish['noiseMultiplier'], wish['adaptiveClipping'], told['clippingNormL2']
    if adaptive is not None:
        multiplier = (multiplier**-2 - (2 * adaptive['countNoiseStdDev'])**-2)**-0.5
    differences = [update.astype(np.float64) - centre for update in updates]
    clipped = sum(each * min(1, clip * (1 - 2**-10) / max(norm(each), clip * 1e-9)) for each in differences)
    beside = ((aggregate - centre) * told['plannedClients'] - clipped) / (multiplier * clip)
    d, x, squared = len(beside), math.log(2e12), total(beside**2)
    holds = d - 2 * math.sqrt(d * x) <= squared <= d + 2 * math.sqrt(d * x) + 2 * x
    require(holds, 'the aggregate does not hold its updates and the declared noise')


def plain_rule(rule):
    """Name and m, where it is one of those computed here; None otherwise."""
    options = rule.get('options', {})
    if rule['name'] not in ('mean', 'krum', 'multi-krum') or rule.get('pre') or set(options) - {'m'}:
        return None
    return {'name': rule['name'], 'm': rule.get('m', options.get('m'))}


def verify_figures(record, updates, aggregate, outcome):
    """updates: in the order of the record's. Kernels may add distances in float32, so that a score is off by
    a few millionths; who is selected is decided exactly there as here."""
    best, scores, m, neighbours = outcome
    told, n = record['rule'], len(updates)
    require({**told, 'm': m, 'neighbours': neighbours} == told, 'the record tells another m or number of neighbours')
    require(record['aggregateNormL2'] == norm(aggregate), 'the record tells another aggregate')
    require(record['aggregation']['reference'] is None, 'this rule begins from nothing')
    rows = {each['client']: row for row, each in enumerate(record['updates'])}
    verdicts = {rows[each['client']]: each for each in record['verdicts'] if each['client'] in rows}
    own = [verdicts[row]['score'] for row in range(n)]
    ranks = {row: rank for rank, row in enumerate(sorted(range(n), key=lambda row: (own[row] or 0, row)), 1)}
    for row, verdict in verdicts.items():
        who, figures = verdict['client'], (verdict['distanceToAggregate'], verdict['share'])
        require((verdict['verdict'] == 'selected') == (row in best), f'the rule judges {who} otherwise')
        require(is_near(verdict['score'], scores[row], 1e-5), f'the rule scores {who} otherwise')
        require(verdict['rank'] == (None if scores[row] is None else ranks[row]), f'{who} has another rank')
        distance = norm(updates[row].astype(np.float64) - aggregate.astype(np.float64))
        expected = distance, 1 / m if row in best else 0
        require(all(map(is_near, figures, expected, (1e-9, 1e-9))), f'{who} has another distance or share')
    none = {'score': None, 'rank': None, 'distanceToAggregate': None, 'share': None}
    out = [each for each in record['verdicts'] if each['client'] not in rows]
    require(all({**each, **none} == each for each in out), 'an update that was left out has figures of the rule')
    verify_certificate(record, updates, aggregate)


def is_near(told, expected, tolerance):
    if told is None or expected is None:
        return told is expected
    return abs(told - expected) <= tolerance * max(abs(told), abs(expected))


def verify_certificate(record, updates, aggregate):
    """The largest distance from the aggregate to the mean of any n - f updates. The bound is larger by what
    rounding may hide in distances, and never smaller."""
    told, n, f = record['aggregation']['certificate'], len(updates), record['f']
    if f >= n:
        # All may lie: nothing is near to anything.
        require(told['bound'] is None, 'the certificate is another')
        return
    if math.comb(n, f) > 2000:
        return
    everyone = sum(update.astype(np.float64) for update in updates)
    largest = max(norm((everyone - sum((updates[i].astype(np.float64) for i in others), np.zeros(len(aggregate))))
                       / (n - f) - aggregate.astype(np.float64))
                  for others in itertools.combinations(range(n), f))
    farthest = max(each['distanceToAggregate'] or 0 for each in record['verdicts'])
    hidden = 1e-4 * farthest**2 if told['exact'] else math.inf
    holds = largest**2 * (1 - 1e-9) <= told['bound']**2 <= largest**2 + hidden
    require(holds, 'the certificate is another')


def judge(rule, updates, f):
    """updates: by client id. -> indices of the best, scores, how many, neighbours; None where the updates are
    too few."""
    n, name = len(updates), rule['name']
    if name == 'mean':
        return (range(n), [None] * n, n, None) if n else None
    fixed = 1 if name == 'krum' else rule['m']
    if n < max(2 * f + 3, (fixed or 1) + f):
        return None
    neighbours, scores = n - f - 2, krum_scores(updates, f)
    m = fixed or neighbours
    return sorted(range(n), key=lambda i: (scores[i], i))[:m], scores, m, neighbours


def krum_scores(updates, f):
    """Blanchard et al. 2017: each one's squared distances to its n - f - 2 nearest, added from the nearest
    on."""
    n = len(updates)
    squares = np.zeros((n, n))
    for start in range(0, len(updates[0]), 2048):
        blocks = [update[start:start + 2048].astype(np.float64) for update in updates]
        for i in range(n):
            for j in range(i):
                squares[i, j] += total((blocks[i] - blocks[j]) ** 2)
                squares[j, i] = squares[i, j]
    return [total(np.sort(np.delete(squares[i], i))[:n - f - 2]) for i in range(n)]


def main():
    arguments = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    arguments.add_argument('bundle')
    arguments.add_argument('--checkpoint', type=lambda path: open(path, encoding='utf-8', newline='').read())
    arguments.add_argument('--key')
    given = arguments.parse_args()
    try:
        print(verify(given.bundle, given.key, given.checkpoint))
    except Wrong as wrong:
        sys.exit(f'rejected: {wrong}')
    except Exception as fault:  # Whatever a hostile file makes of the reader: it is no bundle.
        sys.exit(f'rejected: the bundle is malformed ({type(fault).__name__}: {fault})')


if __name__ == '__main__':
    main()
