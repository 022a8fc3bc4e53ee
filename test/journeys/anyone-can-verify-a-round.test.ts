import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { exportBundle } from '../../server/audit/export-bundle.ts';
import { type Bundle, type BundleText, packBundle, unpackBundle } from '../../server/audit/bundle-form.ts';
import { readFederation, type StoredFederation, verifyFolder } from '../../server/audit/read-ledger.ts';
import { verifyBundle } from '../../server/audit/verify-bundle.ts';
import { gateModel } from '../../server/model/publish-model.ts';
import { encodeState } from '../../server/optimiser/optimiser-state.ts';
import { optimiserFor } from '../../server/optimiser/optimisers.ts';
import { canonicalJson } from '../../shared/canonical-json.ts';
import { sha256 } from '../../shared/digest.ts';
import { asDigest, asFederationId, asOrganisationId, type Digest } from '../../shared/ids.ts';
import { accepted, isRefused } from '../../shared/protocol/refusals.ts';
import { type RoundRecord, roundRecordSchema, type Verdict } from '../../shared/protocol/round-record.ts';
import { decodeSafetensors, encodeSafetensors } from '../../shared/update-format/safetensors.ts';
import { extraDigest, lastByteChanged, tampered, tamperings } from '../support/bundle-tamperings.ts';
import { readFolder } from '../support/data-folders.ts';
import { formulaUpdate } from '../support/formula-trainer.ts';
import { startWorld, type World } from '../support/journey-world.ts';
import { pythonWithNumpy } from '../support/python.ts';
import { type Rewrite, rewriteLedger } from '../support/rewritten-ledger.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { verifyWithPython } from '../support/verify-with-python.ts';

const python = pythonWithNumpy();
const federation = asFederationId('journeys');

/**
 * Two rounds that a liar takes part in: refused for want of noise in the first, left out by the rule in the second, in
 * which it signs another statement too.
 */
async function worldWithRounds(config: Readonly<Record<string, unknown>> = {}): Promise<World> {
  const world = await startWorld({ clients: 6, cohort: { minimum: 7, size: 7 }, config: { rounds: 2, ...config } });
  const liar = await world.rawClient();
  await liar.upload(await liar.submission(new Float32Array(525).fill(0.01), await liar.nextOffer()));
  await world.record(1);
  const opposite = formulaUpdate(world.terms, 1_000, 2).map((value) => value - 0.3);
  const submission = await liar.submission(opposite, await liar.nextOffer());
  await liar.begin(submission);
  await liar.begin(await liar.restated(submission, { updateDigest: asDigest(extraDigest) }));
  await liar.upload(submission);
  await world.record(2);
  return world;
}

async function bundleOf(world: World, round: number, held?: string): Promise<Uint8Array> {
  const folder = await readFolder(join(world.dir, 'coordinator'));
  const source = { federation, stores: folder.storeOf(federation), blobs: folder.blobs };
  return accepted(await exportBundle({ round, held }, source)).bytes;
}

async function codeOf(bytes: Uint8Array): Promise<string> {
  const outcome = await verifyBundle(bytes);
  return isRefused(outcome) ? outcome.refusal.code : outcome.kind;
}

/** What a coordinator that lies, and signs its lie with its own key, would give out. */
interface Lie {
  readonly record: (record: RoundRecord) => RoundRecord;
  readonly events?: (record: RoundRecord) => Rewrite;
  readonly model?: (bytes: Uint8Array<ArrayBuffer>) => Uint8Array<ArrayBuffer>;
}

/** The folder is read once. */
async function liarOf(world: World, bundle: Bundle): Promise<(lie: Lie, told?: Bundle) => Promise<Uint8Array>> {
  const folder = await readFolder(join(world.dir, 'coordinator'));
  const stored = accepted(await readFederation(federation, folder.storeOf(federation)));
  const key = readFileSync(join(world.dir, 'coordinator', 'ledger-key'), 'utf8').trim();
  return (lie, told = bundle) => lied({ stored, key }, told, lie);
}

interface KeptLedger {
  readonly stored: StoredFederation;
  /** The ledger's own. */
  readonly key: string;
}

async function lied({ stored, key }: KeptLedger, bundle: Bundle, lie: Lie): Promise<Uint8Array> {
  const blobs = new Map(bundle.blobs);
  const before = roundRecordSchema.parse(JSON.parse(bundle.text.record));
  let record = lie.record(before);
  if (lie.model && before.model !== null) {
    const bytes = lie.model(blobs.get(before.model) ?? new Uint8Array());
    record = { ...record, model: await sha256(bytes) };
    blobs.delete(before.model);
    blobs.set(await sha256(bytes), bytes);
  }
  const recordDigest = await sha256(canonicalJson(record));
  const other = lie.events?.(record);
  const verdicts = new Map(record.verdicts.map((verdict) => [verdict.client, verdict]));
  const rewritten = await rewriteLedger(stored, key, (event, sequence) => {
    if (!('round' in event) || event.round !== record.number) return event;
    if (event.type === 'verdict') return { ...event, ...verdicts.get(event.client) };
    if (event.type === 'round-abandoned') return { ...event, record: recordDigest };
    if (event.type !== 'round-committed') return other?.(event, sequence) ?? event;
    const made = { model: record.model ?? event.model, optimiserState: record.optimiser.stateAfter };
    return { ...event, ...made, seed: record.seed, record: recordDigest };
  });
  const { rows, heads, tree } = rewritten;
  const head = heads.at(-1);
  if (!head) throw new Error('expected a head');
  const text: BundleText = {
    ...bundle.text,
    record: canonicalJson(record),
    checkpoint: head.note,
    entries: bundle.text.entries.map(({ sequence }) => {
      const proof = tree.inclusionProof(sequence - 1, head.size);
      return { sequence, text: rows[sequence - 1]?.text ?? '', proof };
    }),
    consistency: bundle.text.consistency.map(({ size }) => {
      return { size, root: tree.root(size), proof: tree.consistencyProof(size, head.size) };
    }),
  };
  return packBundle({ text, blobs });
}

const everyVerdict = (changes: (verdict: Verdict) => Partial<Verdict>): Lie => ({
  record: (record) => ({
    ...record,
    verdicts: record.verdicts.map((verdict) => ({ ...verdict, ...(verdict.score !== null && changes(verdict)) })),
  }),
});
const otherFacts = (change: (facts: NonNullable<RoundRecord['aggregation']>) => object): Lie => ({
  record: (record) => ({
    ...record,
    aggregation: record.aggregation && { ...record.aggregation, ...change(record.aggregation) },
  }),
});

const firstSelected = ({ verdicts }: RoundRecord): string =>
  verdicts.find(({ verdict }) => verdict === 'selected')?.client ?? '';

const lies: readonly (readonly [string, Lie])[] = [
  [
    'a client refused whose update was counted',
    {
      record: (record) => ({
        ...record,
        verdicts: record.verdicts.map((verdict) =>
          verdict.verdict === 'not-selected' ? { ...verdict, verdict: 'refused', code: 'deadline-missed' } : verdict,
        ),
      }),
    },
  ],
  ['another seed', { record: (record) => ({ ...record, seed: record.baseModel }) }],
  [
    'another seed, committed to afterwards',
    {
      record: (record) => ({ ...record, seed: record.baseModel, seedCommitment: record.baseModel }),
      events: (record) => (event) =>
        event.type === 'round-seed-committed' ? { ...event, seedCommitment: record.seedCommitment } : event,
    },
  ],
  [
    'somebody else eligible',
    {
      record: (record) => ({ ...record, eligible: record.eligible.slice(1) }),
    },
  ],
  ['another model', { record: (record) => record, model: lastByteChanged }],
  [
    'a client not selected',
    {
      record: (record) => ({
        ...record,
        verdicts: record.verdicts.map((verdict) =>
          verdict.client === firstSelected(record) ? { ...verdict, verdict: 'not-selected', layer: 'rule' } : verdict,
        ),
      }),
    },
  ],
  [
    'other scores',
    {
      record: (record) => ({
        ...record,
        verdicts: record.verdicts.map((verdict) => ({ ...verdict, score: (verdict.score ?? 0) / 2 })),
      }),
    },
  ],
  ['another m', { record: (record) => ({ ...record, rule: { ...record.rule, m: 1 } }) }],
  ['another step', { record: (record) => ({ ...record, stepNormL2: 0.5 }) }],
  ['another aggregate', { record: (record) => ({ ...record, aggregateNormL2: 0.5 }) }],
  ['other ranks', everyVerdict(({ rank }) => ({ rank: 8 - (rank ?? 0) }))],
  ['no ranks', everyVerdict(() => ({ rank: null }))],
  ['other distances', everyVerdict(({ distanceToAggregate: far }) => ({ distanceToAggregate: (far ?? 0) * 1.01 }))],
  ['other shares', everyVerdict(({ share }) => ({ share: (share ?? 0) / 2 }))],
  ['a smaller bound', otherFacts(({ certificate }) => ({ certificate: { ...certificate, bound: 1e-3 } }))],
  ['a reference', otherFacts(() => ({ reference: asDigest('ab'.repeat(32)) }))],
  [
    'something in front of the rule',
    { record: (record) => ({ ...record, rule: { ...record.rule, pre: [{ name: 'nnm', variant: '' }] } }) },
  ],
  ['another optimiser', { record: (record) => ({ ...record, optimiser: { ...record.optimiser, name: 'momentum' } }) }],
  [
    'a state of the optimiser that there never was',
    { record: (record) => ({ ...record, optimiser: { ...record.optimiser, stateBefore: record.baseModel } }) },
  ],
  [
    'something that the plain optimiser remembers',
    { record: (record) => ({ ...record, optimiser: { ...record.optimiser, stateAfter: record.baseModel } }) },
  ],
  [
    'another norm',
    { record: (record) => ({ ...record, verdicts: record.verdicts.map((verdict) => ({ ...verdict, normL2: 1 })) }) },
  ],
  [
    'another organisation',
    {
      record: (record) => ({
        ...record,
        verdicts: record.verdicts.map((verdict) => ({ ...verdict, organisation: asOrganisationId('klinik') })),
      }),
    },
  ],
  ['an update ignored', { record: (record) => ({ ...record, updates: record.updates.slice(1) }) }],
  [
    'another update judged',
    {
      record: (record) => ({
        ...record,
        verdicts: record.verdicts.map((verdict) => ({ ...verdict, updateDigest: record.baseModel })),
      }),
    },
  ],
  [
    'a statement of its own',
    {
      record: (record) => record,
      events: () => (event) =>
        event.type === 'update-announced'
          ? { ...event, envelope: { ...event.envelope, nonce: '0'.repeat(32) } }
          : event,
    },
  ],
  [
    'a statement of another length',
    {
      record: (record) => record,
      events: () => (event) =>
        event.type === 'update-announced' ? { ...event, envelope: { ...event.envelope, byteLength: 1 } } : event,
    },
  ],
  [
    'another update staged',
    {
      record: (record) => record,
      events: (record) => (event) => (event.type === 'update-staged' ? { ...event, update: record.baseModel } : event),
    },
  ],
  [
    'another f',
    {
      record: (record) => ({ ...record, f: 0 }),
      events: () => (event) => (event.type === 'round-offered' ? { ...event, f: 0 } : event),
    },
  ],
];

/** Of what the example for Python leaves to `muster bundle verify`. */
const finerLies: readonly (readonly [string, Lie])[] = [
  ['another variant', { record: (record) => ({ ...record, rule: { ...record.rule, variant: 'unsquared' } }) }],
  ['scores a little off', everyVerdict(({ score }) => ({ score: (score ?? 0) * (1 + 1e-9) }))],
  [
    'distances a little off',
    everyVerdict(({ distanceToAggregate: far }) => ({ distanceToAggregate: (far ?? 0) * (1 + 1e-12) })),
  ],
  [
    'a certificate that is not exact',
    otherFacts(({ certificate }) => ({ certificate: { ...certificate, exact: false } })),
  ],
  ['no condition', otherFacts(() => ({ condition: null }))],
  [
    'another condition',
    otherFacts(({ condition }) => ({ condition: condition && { ...condition, satisfied: !condition.satisfied } })),
  ],
  ['other liars', otherFacts(() => ({ liars: { suspected: 3, gap: 2 } }))],
  [
    'a warning kept back or made up',
    otherFacts(({ warnings }) => ({ warnings: warnings.length > 0 ? [] : ['Beware.'] })),
  ],
];

describe('a round, exported as a bundle', () => {
  it('verifies, wherever it is taken, and from the whole folder', { timeout: 60_000 }, async () => {
    await using world = await worldWithRounds();
    const folder = await readFolder(join(world.dir, 'coordinator'));
    const stored = accepted(await readFederation(federation, folder.storeOf(federation)));
    accepted(await verifyFolder(stored));
    const [first, second] = [stored.heads[2], stored.heads.at(-1)];
    const bytes = await bundleOf(world, 2, first?.note);
    expect(await bundleOf(world, 2, first?.note)).toEqual(bytes);
    const record = await world.record(2);
    const ledgerKey = world.invite.split('.').at(-1);
    for (const checkpoint of [undefined, first?.note, second?.note]) {
      const verified = accepted(await verifyBundle(bytes, { checkpoint, ledgerKey }));
      expect(verified).toMatchObject({
        round: 2,
        state: 'committed',
        model: record.model,
        updates: record.updates.length,
      });
      expect(verified.cannotKnow.join(' ')).toMatch(/not pending, banned or revoked.*record’s word/);
    }
    const other = stored.heads[4]?.note;
    expect(isRefused(await verifyBundle(bytes, { checkpoint: other }))).toBe(true);
    expect(isRefused(await verifyBundle(bytes, { ledgerKey: 'ab'.repeat(32) }))).toBe(true);
    const source = { federation, stores: folder.storeOf(federation), blobs: folder.blobs };
    // Updates are kept for one round.
    expect(await exportBundle({ round: 1 }, source)).toMatchObject({ refusal: { code: 'updates-dropped' } });
    expect(await exportBundle({ round: 3 }, source)).toMatchObject({ refusal: { code: 'unknown-round' } });
    expect(await exportBundle({ round: 2, held: 'no note' }, source)).toMatchObject({
      refusal: { code: 'bad-checkpoint' },
    });
  });

  it('verifies where it was abandoned, in both verifiers', { timeout: 60_000 }, async ({ skip }) => {
    const cohort = { minimum: 6, size: 6, deadlineMs: 1_000 };
    await using world = await startWorld({ clients: 5, held: true, config: { cohort } });
    const raw = await world.rawClient();
    await raw.upload(await raw.submission(formulaUpdate(world.terms, 1, 1), await raw.nextOffer()));
    expect((await world.record(1)).code).toBe('cohort-too-small');
    const bytes = await bundleOf(world, 1);
    expect(accepted(await verifyBundle(bytes))).toMatchObject({ state: 'abandoned', model: null });
    const tell = await liarOf(world, accepted(await unpackBundle(bytes)));
    expect(await codeOf(await tell({ record: (record) => record }))).toBe('verified');
    const share = ({ verdicts }: RoundRecord): Verdict[] => verdicts.map((verdict) => ({ ...verdict, share: 0.5 }));
    for (const made of [
      { record: (record: RoundRecord) => ({ ...record, aggregateNormL2: 1 }) },
      { record: (record: RoundRecord) => ({ ...record, verdicts: share(record) }) },
    ])
      expect(await codeOf(await tell(made))).toBe('bad-bundle');
    if ('skip' in python) return skip(python.skip);
    expect(verifyWithPython(python.command, [bytes])).toEqual(['verified']);
  });

  it.each([
    { name: 'mean', f: 0 },
    // All may lie, so that the certificate has no bound.
    { name: 'mean', f: 6 },
    { name: 'krum', f: 1 },
    { name: 'multi-krum', f: 1, m: 2 },
  ])(
    'verifies under $name with f = $f in the example for Python, run as a person runs it',
    { timeout: 60_000 },
    async (rule) => {
      await using world = await startWorld({ clients: 6, config: { rule } });
      await world.record(1);
      const bytes = await bundleOf(world, 1);
      expect(await codeOf(bytes)).toBe('verified');
      if ('skip' in python) return;
      const folder = temporaryFolder();
      const [file, note] = [join(folder, 'round.zip'), join(folder, 'checkpoint')];
      writeFileSync(file, bytes);
      const newest = await world.stores.ledger.newest();
      writeFileSync(note, newest?.note ?? '');
      const held = ['--checkpoint', note, '--key', world.invite.split('.').at(-1) ?? ''];
      const run = (...args: readonly string[]): ReturnType<typeof spawnSync> =>
        spawnSync(python.command, ['examples/verify_bundle.py', file, ...args], { encoding: 'utf8' });
      expect(run(...held)).toMatchObject({
        status: 0,
        stdout: expect.stringContaining('round 1 of journeys: committed'),
      });
      expect(run('--key', 'ab'.repeat(32))).toMatchObject({
        status: 1,
        stderr: 'rejected: the ledger is of another key\n',
      });
      const older = await world.stores.ledger.headAt(2);
      writeFileSync(note, older?.note ?? '');
      expect(run('--checkpoint', note)).toMatchObject({ status: 1, stderr: expect.stringContaining('does not say') });
    },
  );
});

const forgetful = [
  { rule: { name: 'mean', f: 0 }, optimiser: { name: 'yogi' }, left: 'the step of yogi' },
  {
    // Small enough that everybody is clipped, and so what it begins with counts.
    rule: { name: 'centered-clipping', f: 1, options: { tau: 0.5 }, pre: [{ name: 'bucketing', size: 2 }] },
    left: 'the aggregate of centered-clipping and bucketing',
  },
];

describe('a round that begins with more than its base model', () => {
  it.each(forgetful)(
    'verifies with all of it, and the example for Python says what it leaves out: $left',
    { timeout: 60_000 },
    async ({ left, ...config }) => {
      await using world = await startWorld({ clients: 6, config: { rounds: 2, ...config } });
      const first = await world.record(1);
      const record = await world.record(2);
      expect(record.optimiser.stateBefore).toBe(first.optimiser.stateAfter);
      const bundle = accepted(await unpackBundle(await bundleOf(world, 2)));
      const named = [record.optimiser.stateBefore, record.aggregation?.reference ?? null].filter(
        (each) => each !== null,
      );
      expect([...bundle.blobs.keys()]).toEqual(expect.arrayContaining(named));
      expect(await codeOf(packBundle(bundle))).toBe('verified');
      for (const digest of named) {
        const blobs = new Map(bundle.blobs);
        blobs.delete(digest);
        expect(await codeOf(packBundle({ ...bundle, blobs }))).toBe('bad-bundle');
      }
      if ('skip' in python) return;
      const file = join(temporaryFolder(), 'round.zip');
      writeFileSync(file, packBundle(bundle));
      const run = spawnSync(python.command, ['examples/verify_bundle.py', file], { encoding: 'utf8' });
      expect(run).toMatchObject({ status: 0, stderr: '' });
      expect(run.stdout).toContain(`not computed again: ${left}`);
    },
  );

  it('is rejected with another state, though the ledger’s key signs it', { timeout: 60_000 }, async () => {
    const config = { rounds: 2, optimiser: { name: 'momentum' }, rule: { name: 'mean', f: 0 } };
    await using world = await startWorld({ clients: 6, config });
    await world.record(2);
    const bundle = accepted(await unpackBundle(await bundleOf(world, 2)));
    const { optimiser } = roundRecordSchema.parse(JSON.parse(bundle.text.record));
    const state = bundle.blobs.get(optimiser.stateBefore ?? asDigest(''));
    const another = lastByteChanged(state);
    const other = await sha256(another);
    const blobs = new Map([...bundle.blobs, [other, another] as const]);
    blobs.delete(optimiser.stateBefore ?? asDigest(''));
    const stated = { stateBefore: other, stateAfter: optimiser.stateAfter };
    const record = (before: RoundRecord): RoundRecord => ({ ...before, optimiser: { ...before.optimiser, ...stated } });
    const tell = await liarOf(world, bundle);
    expect(await codeOf(await tell({ record }, { ...bundle, blobs }))).toBe('bad-bundle');
    const after = (before: RoundRecord): RoundRecord => ({
      ...before,
      optimiser: { ...before.optimiser, stateAfter: other },
    });
    expect(await codeOf(await tell({ record: after }))).toBe('bad-bundle');
    expect(await codeOf(await tell({ record: (before) => before }))).toBe('verified');
  });

  it('is rejected where the optimiser is said to have begun anew, though all that follows is right', async () => {
    const config = { rounds: 2, optimiser: { name: 'momentum' }, rule: { name: 'mean', f: 0 } };
    await using world = await startWorld({ clients: 6, config });
    const { baseModel, updates, optimiser } = await world.record(2);
    const bundle = accepted(await unpackBundle(await bundleOf(world, 2)));
    const { schema, blobs } = { schema: world.terms.tensors, blobs: new Map(bundle.blobs) };
    const valuesOf = (digest: Digest): Float32Array =>
      accepted(decodeSafetensors(blobs.get(digest) ?? new Uint8Array(), schema)).values;
    const sent = updates.map(({ update }) => valuesOf(update));
    const mean = Float32Array.from(sent[0] ?? [], (_, k) => sent.reduce((sum, each) => sum + (each[k] ?? NaN), 0) / 6);
    const place = { optimiser: accepted(optimiserFor({ name: 'momentum' })).made, schema };
    const state = encodeState([mean], { federation, round: 2 }, place) ?? new Uint8Array();
    const anew = { stateBefore: null, stateAfter: await sha256(state) };
    const metadata = { federation, round: '2', parent: baseModel };
    const model = encodeSafetensors(schema, accepted(gateModel(valuesOf(baseModel), mean)).values, metadata);
    blobs.delete(optimiser.stateBefore ?? asDigest(''));
    const tell = await liarOf(world, { ...bundle, blobs });
    const record = (before: RoundRecord): RoundRecord => ({
      ...before,
      stepNormL2: before.aggregateNormL2,
      optimiser: { ...before.optimiser, ...anew },
    });
    const bytes = await tell({ record, model: () => model });
    expect(await verifyBundle(bytes)).toMatchObject({ refusal: { message: expect.stringContaining('stateBefore') } });
    if ('skip' in python) return;
    expect(verifyWithPython(python.command, [bytes])[0]).toContain(
      'the optimiser’s state is not that of the base model',
    );
  });
});

describe('a bundle that was tampered with', () => {
  it('is rejected by both verifiers, whatever was changed', { timeout: 120_000 }, async ({ skip }) => {
    await using world = await worldWithRounds();
    const original = await bundleOf(world, 2);
    const bundle = accepted(await unpackBundle(original));
    const changed = tamperings.map(([what, tampering]) => [what, tampered(bundle, tampering)] as const);
    expect(changed.filter(([, bytes]) => Buffer.compare(bytes, original) === 0)).toEqual([]);
    const tell = await liarOf(world, bundle);
    const told = await Promise.all(lies.map(async ([what, lie]) => [what, await tell(lie)] as const));
    const truth = await tell({ record: (record) => record });
    expect(await codeOf(truth)).toBe('verified');
    const finer = await Promise.all(finerLies.map(async ([what, lie]) => [what, await tell(lie)] as const));
    for (const [what, bytes] of finer) expect([what, await codeOf(bytes)]).toEqual([what, 'bad-bundle']);
    const all = [...changed, ...told];
    const passed: string[] = [];
    for (const [what, bytes] of all) {
      const outcome = await verifyBundle(bytes);
      if (!isRefused(outcome)) passed.push(what);
      else expect(['bad-bundle', 'bad-checkpoint']).toContain(outcome.refusal.code);
    }
    expect(passed).toEqual([]);
    if ('skip' in python) return skip(python.skip);
    const said = verifyWithPython(python.command, [original, truth, ...all.map(([, bytes]) => bytes)]);
    expect(said.slice(0, 2)).toEqual(['verified', 'verified']);
    expect(all.filter((_, index) => said[index + 2] === 'verified').map(([what]) => what)).toEqual([]);
  });

  it('is found rewritten by whoever holds an older checkpoint', { timeout: 60_000 }, async () => {
    await using world = await worldWithRounds();
    const newest = await world.stores.ledger.newest();
    const bundle = accepted(await unpackBundle(await bundleOf(world, 2)));
    const flagged = (record: RoundRecord): RoundRecord => ({
      ...record,
      verdicts: record.verdicts.map((verdict) => ({ ...verdict, flags: ['norm-outlier'] })),
    });
    const bytes = await (await liarOf(world, bundle))({ record: flagged });
    // A flag is the record's word: only the checkpoint tells.
    expect(await codeOf(bytes)).toBe('verified');
    const held = await verifyBundle(bytes, { checkpoint: newest?.note });
    expect(held).toMatchObject({ refusal: { code: 'ledger-rewritten' } });
  });
});
