// What test/oracles/privacy_audit.py derived.

import { readFileSync } from 'node:fs';
import { z } from 'zod';

const figure = z.number();
const event = z.object({ noiseMultiplier: figure, samplingRate: figure, steps: figure });

export const privacyAuditOracle = z
  .strictObject({
    clopperPearson: z.array(
      z.object({ successes: figure, trials: figure, error: figure, lower: figure, upper: figure }),
    ),
    kolmogorovSmirnov: z.array(z.object({ n: figure, distance: figure, pValue: figure })),
    lossDistribution: z.array(
      z.object({
        events: z.array(event),
        direction: z.enum(['remove', 'add']),
        losses: z.array(figure),
        atMost: z.array(figure),
      }),
    ),
  })
  .parse(JSON.parse(readFileSync(new URL('../oracles/privacy_audit.json', import.meta.url), 'utf8')));
