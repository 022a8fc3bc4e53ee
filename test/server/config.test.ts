import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { federationTemplate } from '../../cli/federation-template.ts';
import {
  configText,
  type FederationConfig,
  parseFederation,
  readConfigText,
  readFederationFile,
  termsOf,
} from '../../server/config.ts';
import { fixedDifference } from '../../server/fixed-part.ts';
import { epsilonOf } from '../../shared/accounting/epsilon.ts';
import { accepted, isRefused } from '../../shared/protocol/refusals.ts';
import { federationTermsSchema } from '../../shared/protocol/terms.ts';
import { codeOf } from '../support/refusal-code.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { fc } from '../support/properties.ts';

const training = { learningRate: 2, stepsPerRound: 10, samplingRate: 0.1, expectedBatchSize: 40, clippingNormL2: 1 };
const privacy = { mode: 'local', epsilonBudget: 8, delta: 1e-4 };
const model = {
  tensors: [
    { name: 'kernel', shape: [3, 2], initial: 'glorot-uniform' },
    { name: 'bias', shape: [2] },
  ],
};
const file = { federation: 'digits', rounds: 15, model, training, privacy };

const parsed = (changes: object = {}): FederationConfig => accepted(parseFederation({ ...file, ...changes }));
const kindOf = (outcome: ReturnType<typeof parseFederation>): string =>
  isRefused(outcome) ? codeOf(outcome) : 'parsed';
const complaint = (changes: object) => {
  const outcome = parseFederation({ ...file, ...changes });
  if (!isRefused(outcome)) throw new Error('accepted');
  expect(outcome.refusal.code).toBe('bad-config');
  return outcome.refusal;
};

describe('a federation file', () => {
  it('needs nothing that has a default', () => {
    const config = parsed();
    expect(config.cohort).toEqual({
      minimum: 7,
      size: 20,
      selectionTimeoutMs: 3_000,
      deadlineMs: 60_000,
      maxPerOrganisation: null,
      dropOutShare: 0,
    });
    expect(config.admission).toEqual({ approval: false, lookAlikeNames: 'hold' });
    expect(config.anomaly).toEqual({
      rules: [],
      history: { alarmRateHonest: 0.05, alarmRateLiar: 0.3, falseBanRate: 0.001 },
      banSuspects: false,
    });
    expect(config.retention).toEqual({ updateRounds: 1 });
    expect(config.rule).toEqual({ name: 'multi-krum', f: 0.2 });
    expect(config.bounds).toEqual({ maxAbsoluteValue: 10, maxNormL2: null });
    expect(config.model).toMatchObject({ seed: 1, tensors: [{}, { initial: 'zeros' }] });
    expect(config.privacy).toMatchObject({ adjacency: 'add-remove', unit: 'example', void: false });
  });

  it('as `muster init` writes it says what holds without it, and every key of it is known', () => {
    const { federation, rounds, ...written } = accepted(parseFederation(parse(federationTemplate)));
    const { model: tensors, training: steps, privacy: budget, ...defaults } = written;
    expect([federation, rounds, budget.mode]).toEqual(['digits', 15, 'local']);
    const bare = parsed({ federation, rounds, model: tensors, training: steps, privacy: budget });
    expect(bare).toMatchObject(defaults);
  });

  it.each<[string, object, string]>([
    ['at the top', { cohrot: {} }, 'did you mean "cohort"?'],
    ['in a part', { cohort: { minimun: 5 } }, 'did you mean "minimum"?'],
    ['in the privacy', { privacy: { ...privacy, epsilonbudget: 1 } }, 'did you mean "epsilonBudget"?'],
    ['in the admission', { admission: { aproval: true } }, 'did you mean "approval"?'],
    ['in the anomaly rules', { anomaly: { banSuspect: true } }, 'did you mean "banSuspects"?'],
    ['in the history test', { anomaly: { history: { alarmRateHonst: 0.1 } } }, 'did you mean "alarmRateHonest"?'],
    ['in a rule', { anomaly: { rules: [{ name: 'a', wen: 'n > 1' }] } }, 'did you mean "when"?'],
    ['in the retention', { retention: { updateRound: 2 } }, 'did you mean "updateRounds"?'],
    ['in the training', { training: { ...training, learningrate: 1 } }, 'did you mean "learningRate"?'],
  ])('with an unknown key %s is refused with what was probably meant', (_, changes, hint) => {
    expect(complaint(changes).hint).toBe(hint);
  });

  it.each<[string, object, string]>([
    ['a name with capitals', { federation: 'Digits' }, 'federation'],
    ['no rounds', { rounds: 0 }, 'rounds'],
    ['half a round', { rounds: 1.5 }, 'rounds'],
    ['too many rounds', { rounds: 100_001 }, 'rounds'],
    ['no tensors', { model: { tensors: [] } }, 'model.tensors'],
    ['a tensor of no values', { model: { tensors: [{ name: 'a', shape: [0] }] } }, 'model.tensors.0.shape.0'],
    ['a tensor without a name', { model: { tensors: [{ name: '', shape: [1] }] } }, 'model.tensors.0.name'],
    [
      'a tensor of safetensors’ own name',
      { model: { tensors: [{ name: '__metadata__', shape: [1] }] } },
      'model.tensors.0.name',
    ],
    [
      'one tensor twice',
      {
        model: {
          tensors: [
            { name: 'a', shape: [1] },
            { name: 'a', shape: [2] },
          ],
        },
      },
      'model.tensors',
    ],
    ['a sampling rate above 1', { training: { ...training, samplingRate: 1.1 } }, 'training.samplingRate'],
    ['no clipping norm', { training: { ...training, clippingNormL2: 0 } }, 'training.clippingNormL2'],
    ['an infinite learning rate', { training: { ...training, learningRate: Infinity } }, 'training.learningRate'],
    ['delta 1', { privacy: { ...privacy, delta: 1 } }, 'privacy.delta'],
    ['no noise', { privacy: { ...privacy, noiseMultiplier: 0 } }, 'privacy.noiseMultiplier'],
    ['another privacy', { privacy: { mode: 'shuffled' } }, 'privacy.mode'],
    ['a deadline longer than a timer can be', { cohort: { deadlineMs: 2 ** 31 } }, 'cohort.deadlineMs'],
    ['a wait longer than a timer can be', { cohort: { selectionTimeoutMs: 2 ** 31 } }, 'cohort.selectionTimeoutMs'],
    ['a cohort beyond all measure', { cohort: { size: 2 ** 53 - 1 } }, 'cohort.size'],
    ['a cap of nobody', { cohort: { maxPerOrganisation: 0 } }, 'cohort.maxPerOrganisation'],
    ['everybody dropping out', { cohort: { dropOutShare: 1 } }, 'cohort.dropOutShare'],
    ['half an organisation', { rule: { dishonestOrganisations: 0.5 } }, 'rule.dishonestOrganisations'],
    ['look-alikes let in', { admission: { lookAlikeNames: 'admit' } }, 'admission.lookAlikeNames'],
    [
      'a rule that bans',
      { anomaly: { rules: [{ name: 'a', when: 'n > 1', action: 'ban' }] } },
      'anomaly.rules.0.action',
    ],
    [
      'too many rules',
      { anomaly: { rules: Array.from({ length: 51 }, (_, i) => ({ name: `r${i}`, when: 'n > 1' })) } },
      'anomaly.rules',
    ],
    ['no updates kept', { retention: { updateRounds: 0 } }, 'retention.updateRounds'],
    ['a negative bound', { bounds: { maxNormL2: -1 } }, 'bounds.maxNormL2'],
  ])('with %s is refused where it stands', (_, changes, at) => {
    expect(complaint(changes).message).toBe(`the federation file does not fit at ${at}`);
  });

  it.each([undefined, null, 'text', [], 7])('that is %j is refused', (input) => {
    expect(kindOf(parseFederation(input))).toBe('bad-config');
  });

  it('is read from YAML, and refused by name where there is none or it is none', async () => {
    const dir = temporaryFolder();
    const path = join(dir, 'federation.yaml');
    expect(await readFederationFile(path)).toMatchObject({ refusal: { hint: 'write one with: muster init' } });
    writeFileSync(path, 'federation: [unclosed');
    expect(await readFederationFile(path)).toMatchObject({ refusal: { expected: `YAML in ${path}` } });
    writeFileSync(path, federationTemplate);
    expect(await readFederationFile(path)).toEqual(parseFederation(parse(federationTemplate)));
  });
});

describe('the noise of a configuration', () => {
  it('keeps all rounds together within the budget, and wastes little of it', () => {
    const cases = fc.record({
      epsilonBudget: fc.double({ min: 0.3, max: 30, noNaN: true }),
      rounds: fc.integer({ min: 1, max: 60 }),
      samplingRate: fc.double({ min: 0.01, max: 1, noNaN: true }),
    });
    fc.assert(
      fc.property(cases, ({ epsilonBudget, rounds, samplingRate }) => {
        const config = parsed({
          rounds,
          training: { ...training, samplingRate },
          privacy: { ...privacy, epsilonBudget },
        });
        if (config.privacy.mode === 'none') throw new Error('private');
        const { noiseMultiplier, delta } = config.privacy;
        const spent = epsilonOf([{ noiseMultiplier, samplingRate, steps: 10 * rounds }], delta);
        expect(spent).toBeLessThanOrEqual(epsilonBudget);
        expect(spent).toBeGreaterThan(0.999 * epsilonBudget);
      }),
      { seed: 11, numRuns: 25 },
    );
  });

  it('is the one given, where one is given', () => {
    expect(parsed({ privacy: { ...privacy, noiseMultiplier: 2.5 } }).privacy).toMatchObject({ noiseMultiplier: 2.5 });
  });

  it('is refused as a budget that no noise meets, not as a fault', () => {
    const refusal = complaint({ privacy: { ...privacy, epsilonBudget: 1e-12, delta: 1e-12 } });
    expect(refusal.expected).toMatch(/a budget that some noise meets/);
  });

  it('is none without privacy', () => {
    expect(parsed({ privacy: { mode: 'none' } }).privacy).toEqual({ mode: 'none' });
  });
});

describe('a stored configuration', () => {
  const variants = [
    {},
    { privacy: { mode: 'none' } },
    { rule: { name: 'multi-krum', f: 1, m: 2 } },
    { bounds: { maxNormL2: 3.5 } },
    { rule: { name: 'multi-krum', f: 0, dishonestOrganisations: 1 }, cohort: { maxPerOrganisation: 2 } },
    { anomaly: { rules: [{ name: 'far', when: 'normZ > 6' }], banSuspects: true }, retention: { updateRounds: 4 } },
  ];

  it.each(variants)('reads back to the very same configuration and text: %j', (changes) => {
    const config = parsed(changes);
    const text = configText(config);
    expect(readConfigText(text)).toEqual(config);
    expect(configText(readConfigText(text))).toBe(text);
  });

  it('has one text for one meaning: defaults written out or not, keys in any order', () => {
    const reversed = Object.fromEntries(Object.entries(file).reverse());
    const spelled = { ...reversed, cohort: { deadlineMs: 60_000, size: 20 } };
    expect(configText(accepted(parseFederation(spelled)))).toBe(configText(parsed()));
  });

  it('may be amended in its rounds and its budget, the noise staying as it was, and in nothing else', () => {
    const noisy = { ...privacy, noiseMultiplier: 1.03 };
    const text = (changes: object): string => configText(parsed({ privacy: noisy, ...changes }));
    const amended = (changes: object) => fixedDifference(text({}), text(changes));
    expect(amended({ rounds: 30, privacy: { ...noisy, epsilonBudget: 12 } })).toBeUndefined();
    const [first] = model.tensors;
    const others: readonly [object, string, string][] = [
      [
        { privacy: { ...noisy, noiseMultiplier: 1.04 } },
        'privacy.noiseMultiplier 1.03',
        'privacy.noiseMultiplier 1.04',
      ],
      [{ privacy: { ...noisy, delta: 1e-5 } }, 'privacy.delta 0.0001', 'privacy.delta 0.00001'],
      [{ privacy: { ...noisy, void: true } }, 'privacy.void false', 'privacy.void true'],
      [{ privacy: { mode: 'none' } }, 'privacy.mode "local"', 'privacy.mode "none"'],
      [{ rule: { f: 0.1 } }, 'rule.f 0.2', 'rule.f 0.1'],
      [{ rule: { m: 3 } }, 'rule.m (not given)', 'rule.m 3'],
      [{ cohort: { minimum: 8 } }, 'cohort.minimum 7', 'cohort.minimum 8'],
      [{ retention: { updateRounds: 2 } }, 'retention.updateRounds 1', 'retention.updateRounds 2'],
      [{ admission: { approval: true } }, 'admission.approval false', 'admission.approval true'],
      [{ anomaly: { banSuspects: true } }, 'anomaly.banSuspects false', 'anomaly.banSuspects true'],
      [{ model: { ...model, seed: 2 } }, 'model.seed 1', 'model.seed 2'],
      [
        { model: { tensors: [first] } },
        'model.tensors.1 {"name":"bias","shape":[2],"initial":"zeros"}',
        'model.tensors.1 (not given)',
      ],
      [{ training: { ...training, learningRate: 1 } }, 'training.learningRate 2', 'training.learningRate 1'],
    ];
    for (const [changes, expected, found] of others) expect(amended(changes)).toEqual({ expected, found });
  });
});

describe('a federation file read again for a founded federation', () => {
  const founded = parsed();
  const noiseOf = ({ privacy: terms }: FederationConfig): number => (terms.mode === 'none' ? 0 : terms.noiseMultiplier);
  const again = (changes: object) => parseFederation({ ...file, ...changes }, founded);

  it('keeps the noise it was founded with, whatever rounds and budget it names now', () => {
    for (const changes of [{}, { rounds: 5 }, { rounds: 20, privacy: { ...privacy, epsilonBudget: 12 } }]) {
      const config = accepted(again(changes));
      expect(noiseOf(config)).toBe(noiseOf(founded));
      expect(fixedDifference(configText(founded), configText(config))).toBeUndefined();
    }
  });

  it('is refused where the rounds do not fit the budget under that noise, and says what would', () => {
    const refused = again({ rounds: 20 });
    expect(refused).toMatchObject({
      refusal: {
        code: 'budget-exhausted',
        expected: 'at most epsilon 8',
        found: expect.stringMatching(/^epsilon 9\./),
      },
    });
    const [, hinted] = /epsilonBudget: ([\d.]+)/.exec(JSON.stringify(refused)) ?? [];
    const raised = again({ rounds: 20, privacy: { ...privacy, epsilonBudget: Number(hinted) } });
    expect(isRefused(raised)).toBe(false);
  });

  it('takes the noise that it gives itself, and calibrates its own where it is another federation or had none', () => {
    const noisy = { privacy: { ...privacy, noiseMultiplier: 2.5 } };
    expect(noiseOf(accepted(again(noisy)))).toBe(2.5);
    const calibrated = noiseOf(parsed({ rounds: 20 }));
    expect(noiseOf(accepted(again({ rounds: 20, federation: 'letters' })))).toBe(calibrated);
    const bare = parsed({ privacy: { mode: 'none' } });
    expect(noiseOf(accepted(parseFederation({ ...file, rounds: 20 }, bare)))).toBe(calibrated);
  });
});

describe('the terms that clients are told', () => {
  it('fit their schema, with the tensors in canonical order and nothing of how the coordinator decides', () => {
    const terms = termsOf(parsed({ rule: { f: 0.1 }, bounds: { maxNormL2: 3.5 } }));
    expect(federationTermsSchema.parse(terms)).toEqual(terms);
    expect(terms.tensors).toEqual([
      { name: 'bias', shape: [2] },
      { name: 'kernel', shape: [3, 2] },
    ]);
  });
});
