import { describe, expect, it } from 'vitest';
import { ruleNames } from '../../../server/aggregation/rules.ts';
import { configText, parseFederation, readConfigText, termsOf } from '../../../server/config.ts';
import { fixedDifference } from '../../../server/fixed-part.ts';
import { vetConfig } from '../../../server/vet-config.ts';
import { epsilonOf } from '../../../shared/accounting/epsilon.ts';
import { accepted, isRefused, type Refusal } from '../../../shared/protocol/refusals.ts';
import { federationTermsSchema } from '../../../shared/protocol/terms.ts';

const privacy = { mode: 'central', clippingNormL2: 0.5, epsilonBudget: 4, delta: 1e-5 };
const file = {
  federation: 'wards',
  rounds: 30,
  model: { tensors: [{ name: 'kernel', shape: [3, 2] }] },
  training: { learningRate: 1, stepsPerRound: 5, samplingRate: 0.1, expectedBatchSize: 10, clippingNormL2: 1 },
  rule: { name: 'mean' },
  privacy,
};

type Changes = Readonly<Record<string, unknown>>;

const parsed = (changes: Changes = {}) => accepted(parseFederation({ ...file, ...changes }));

async function refusalOf(changes: Changes): Promise<Refusal | null> {
  const config = parseFederation({ ...file, ...changes });
  if (isRefused(config)) return config.refusal;
  const vetted = await vetConfig(config);
  return isRefused(vetted) ? vetted.refusal : null;
}

describe('a federation file with central privacy', () => {
  it('is calibrated once to all of its rounds, each client taking part in every one', () => {
    const { privacy: terms } = parsed();
    if (terms.mode !== 'central') throw new Error('central');
    const { noiseMultiplier, delta } = terms;
    const spent = epsilonOf([{ noiseMultiplier, samplingRate: 1, steps: 30 }], delta);
    expect(spent).toBeLessThanOrEqual(4);
    expect(spent).toBeGreaterThan(0.999 * 4);
  });

  it('plans with the cohort’s size unless it says otherwise, and with no adaptive clipping', () => {
    expect(parsed().privacy).toMatchObject({
      plannedClients: 20,
      samplingRate: 1,
      unit: 'client',
      adaptiveClipping: null,
    });
    expect(parsed({ cohort: { size: 33 } }).privacy).toMatchObject({ plannedClients: 33 });
    const own = { ...privacy, plannedClients: 64, adaptiveClipping: {} };
    const adaptiveClipping = { quantile: 0.5, learningRate: 0.2, countNoiseStdDev: 64 / 20 };
    expect(parsed({ privacy: own }).privacy).toMatchObject({ plannedClients: 64, adaptiveClipping });
  });

  it('claims no amplification, whatever share of the clients is drawn for a round', () => {
    const refused = parseFederation({ ...file, privacy: { ...privacy, samplingRate: 0.1 } });
    expect(refused).toMatchObject({
      refusal: { code: 'bad-config', expected: expect.stringMatching(/independent secret coins/) },
    });
  });

  it('is stored and told as it is, and amended in rounds and budget alone', () => {
    const config = parsed({ privacy: { ...privacy, adaptiveClipping: { quantile: 0.6 } } });
    expect(readConfigText(configText(config))).toEqual(config);
    expect(federationTermsSchema.parse(termsOf(config))).toEqual(termsOf(config));
    const noisy = { ...privacy, noiseMultiplier: 9 };
    const text = (changes: object, rounds = 30): string =>
      configText(parsed({ rounds, privacy: { ...noisy, ...changes } }));
    expect(fixedDifference(text({}), text({ epsilonBudget: 9 }, 40))).toBeUndefined();
    for (const changes of [{ clippingNormL2: 1 }, { plannedClients: 21 }, { noiseMultiplier: 8 }, { delta: 1e-6 }])
      expect(fixedDifference(text({}), text(changes))).toBeDefined();
  });

  it('keeps its noise when read again, and is refused rounds that the budget does not pay for with it', () => {
    const founded = parsed();
    const more = parseFederation({ ...file, rounds: 31 }, founded);
    expect(more).toMatchObject({ refusal: { code: 'budget-exhausted' } });
    const paid = accepted(parseFederation({ ...file, rounds: 31, privacy: { ...privacy, epsilonBudget: 5 } }, founded));
    expect(paid.privacy).toMatchObject({
      noiseMultiplier: founded.privacy.mode === 'central' && founded.privacy.noiseMultiplier,
    });
  });
});

describe('central privacy can be run', () => {
  it('with the mean, and with one step of centered clipping around the last aggregate', async () => {
    expect(await refusalOf({})).toBeNull();
    const centred = { name: 'centered-clipping', options: { tau: 0.5, iterations: 1 } };
    expect(await refusalOf({ rule: centred })).toBeNull();
    for (const options of [{ tau: 0.5 }, { tau: 0.5, iterations: 2 }, { tau: 0.6, iterations: 1 }, { iterations: 1 }])
      expect(await refusalOf({ rule: { ...centred, options } })).toMatchObject({
        code: 'bad-config',
        hint: expect.stringMatching(/tau: 0.5, iterations: 1/),
      });
    const adaptive = { rule: centred, privacy: { ...privacy, adaptiveClipping: { countNoiseStdDev: 30 } } };
    expect(await refusalOf(adaptive)).toMatchObject({ hint: expect.stringMatching(/tau is fixed/) });
  });

  it('with no other rule, and with nothing in front of one: the refusal says why', async () => {
    const others = ruleNames.filter((name) => !['mean', 'centered-clipping', 'fltrust'].includes(name));
    expect(others.length).toBeGreaterThan(9);
    for (const name of others)
      expect(await refusalOf({ rule: { name, f: 1 }, cohort: { minimum: 20 } })).toMatchObject({
        code: 'bad-config',
        message: 'central privacy has no proof behind this rule',
        found: name,
        hint: expect.stringMatching(new RegExp(`nothing bounds how far one update moves ${name}`)),
      });
    for (const pre of [{ name: 'nnm' }, { name: 'clip', norm: 1 }])
      expect(await refusalOf({ rule: { name: 'mean', pre: [pre] } })).toMatchObject({
        found: `${pre.name} in front of mean`,
      });
  });

  it('with nothing that decides or tells by what updates are like', async () => {
    const rules = [{ name: 'loud', when: 'normZ > 6' }];
    expect(await refusalOf({ anomaly: { rules } })).toMatchObject({ expected: expect.stringMatching(/anomaly.rules/) });
    expect(await refusalOf({ anomaly: { banSuspects: true } })).toMatchObject({ found: 'true' });
    for (const bounds of [{ maxNormL2: 3 }, { maxAbsoluteValue: 11 }])
      expect(await refusalOf({ bounds })).toMatchObject({ expected: 'no bounds under central privacy' });
  });

  it('with adaptive clipping that its noise and its quorum allow', async () => {
    const adaptive = (changes: object) => ({ ...privacy, noiseMultiplier: 1, adaptiveClipping: changes });
    expect(await refusalOf({ privacy: adaptive({}) })).toBeNull();
    expect(await refusalOf({ privacy: adaptive({ countNoiseStdDev: 0.5 }) })).toMatchObject({ code: 'bad-config' });
    expect(await refusalOf({ privacy: adaptive({ quantile: 0.6 }) })).toMatchObject({ found: '0.6' });
    expect(await refusalOf({ privacy: adaptive({ quantile: 0.6 }), cohort: { quorum: 5 } })).toBeNull();
  });

  it('without measuring a single update', async () => {
    expect(accepted(await vetConfig(parsed())).boundsOf(1)).toBeNull();
    expect(accepted(await vetConfig(parsed({ privacy: { mode: 'none' } }))).boundsOf(1)).not.toBeNull();
  });
});
