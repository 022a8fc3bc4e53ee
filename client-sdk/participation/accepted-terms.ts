// What a federation asked of this client when it first joined, against what it asks now: out comes a refusal that names
// the first difference. All of training and privacy is fixed for a federation's life; only its budget may be amended,
// which the owner's own limits bound. Without this a coordinator could thin out the noise from one join to the next.

import { type Refused, refuse } from '../../shared/protocol/refusals.ts';
import type { FederationTerms } from '../../shared/protocol/terms.ts';
import type { AcceptedTerms } from './client-store.ts';

export const acceptedTermsOf = ({ training, privacy }: FederationTerms): AcceptedTerms => ({ training, privacy });

/** Refuses wrong-terms. */
export function changedTerms(accepted: AcceptedTerms, now: AcceptedTerms): Refused | undefined {
  const [before, after] = [fixedFigures(accepted), fixedFigures(now)];
  const key = [...new Set([...before.keys(), ...after.keys()])].find((each) => before.get(each) !== after.get(each));
  if (key === undefined) return undefined;
  return refuse('wrong-terms', {
    message: 'the federation’s terms are not those under which this client first joined',
    expected: `${key} ${before.get(key) ?? '(not given)'}`,
    found: after.get(key) ?? '(not given)',
    hint: 'ask its admin; whoever wants the new terms joins from a new folder, over the same privacy ledger',
  });
}

/** Each figure's text by its name, the amendable budget left out. */
function fixedFigures({ training, privacy }: AcceptedTerms): ReadonlyMap<string, string> {
  const named = (section: string, figures: object): [string, string][] =>
    Object.entries(figures).map(([key, value]) => [`${section}.${key}`, JSON.stringify(value)]);
  const figures = new Map([...named('training', training), ...named('privacy', privacy)]);
  figures.delete('privacy.epsilonBudget');
  return figures;
}
