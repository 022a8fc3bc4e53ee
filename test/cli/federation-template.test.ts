import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { federationTemplate } from '../../cli/federation-template.ts';
import { parseFederation } from '../../server/config.ts';
import { vetConfig } from '../../server/vet-config.ts';
import { accepted } from '../../shared/protocol/refusals.ts';

describe('the federation file that muster init writes', () => {
  it('holds a block of central privacy that can be put in the place of the local one', async () => {
    const [before = '', block = ''] = federationTemplate.split('# privacy:\n');
    const central = `privacy:\n${block.replaceAll(/^# /gm, '')}`;
    const given = `${before.replace(/^privacy:[\s\S]*/m, '')}${central}`.replace('name: multi-krum', 'name: mean');
    const config = accepted(parseFederation(parse(given)));
    const expected = { mode: 'central', clippingNormL2: 1, plannedClients: 20, epsilonBudget: 8, delta: 1e-5 };
    expect(config.privacy).toMatchObject(expected);
    expect(await vetConfig(config)).toMatchObject({ kind: 'vetted' });
    const adaptive = given.replace(/adaptiveClipping: null[^{]*/, 'adaptiveClipping: ');
    const adapting = accepted(parseFederation(parse(adaptive)));
    expect(adapting.privacy).toMatchObject({ adaptiveClipping: { quantile: 0.5, countNoiseStdDev: 5 } });
    expect(await vetConfig(adapting)).toMatchObject({ kind: 'vetted' });
  });
});
