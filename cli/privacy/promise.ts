// What a federation promises of privacy after a round, against each adversary, as people read it.

import type { EpsilonByAdversary } from '../../server/privacy/epsilon-by-adversary.ts';
import { readConfigText } from '../../server/config.ts';
import type { FederationStores } from '../../server/storage/federation-stores.ts';
import type { PrivacyTerms } from '../../shared/protocol/terms.ts';
import { table } from '../text.ts';

export function privacyText(privacy: EpsilonByAdversary): string {
  const { mode, afterRound, delta, unit, adjacency, accountant, epsilon } = privacy;
  if (delta === null) {
    const why = mode === 'none' ? 'the terms declare none' : 'void: the noise is seeded';
    return `Privacy: ${why}, so that nothing is promised against anybody.`;
  }
  const scope = `of one ${unit}, ${adjacency} adjacency, delta ${delta}, over the whole history${accountant ? `, by ${accountant}` : ''}`;
  const rows = [
    ['who reads the models', said(epsilon.modelReader)],
    ['who reads the ledger', said(epsilon.ledgerReader)],
    ['who runs the coordinator', said(epsilon.coordinator)],
  ];
  return [`Privacy after round ${afterRound}, ${scope}:`, table(['against', 'epsilon'], rows)].join('\n');
}

const said = (epsilon: number | null): string => epsilon?.toFixed(3) ?? 'no protection: every update is seen bare';

/** As the folder was founded or last amended. */
export async function privacyOf({ federation }: Pick<FederationStores, 'federation'>): Promise<PrivacyTerms> {
  const founding = await federation.founding();
  return founding ? readConfigText(founding.config).privacy : { mode: 'none' };
}
