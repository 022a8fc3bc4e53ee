// What one example may have gone through: of the entries of a privacy ledger those that may be about the same examples,
// rounds and fits alike, and so compose. In go all entries and a data set; out come those of its name, those of its digest, and those without a name, which nobody has said to be others. Two
// data sets are counted apart only by their owner's word, in two names, and where a digest does not contradict it: a
// data set that has grown keeps its name and so its history. One digest under two names
// makes them one.

import type { SampledGaussianEvent } from '../../shared/accounting/privacy-event.ts';
import type { PrivacyLedgerEntry } from '../participation/client-store.ts';

/** Its owner's name for it and the digest of its examples; null: not said. */
export type DataSetIdentity = Pick<PrivacyLedgerEntry, 'dataset' | 'examples'>;

export function historyOfOneExample(
  entries: readonly PrivacyLedgerEntry[],
  subject: DataSetIdentity,
): readonly SampledGaussianEvent[] {
  return entriesOfSameExamples(entries, subject).map(ofOneExample);
}

/** Whether its noise covers a whole client. */
export const isOfClient = (entry: PrivacyLedgerEntry): boolean => 'unit' in entry;

/**
 * Noise for a whole client, scaled to an update that comes or goes, is worth half to one example of it: that replaces the
 * update by another, which moves a clipped sum by twice as much.
 */
const ofOneExample = (entry: PrivacyLedgerEntry): SampledGaussianEvent =>
  isOfClient(entry) ? { ...entry, noiseMultiplier: entry.noiseMultiplier / 2 } : entry;

function entriesOfSameExamples(
  entries: readonly PrivacyLedgerEntry[],
  subject: DataSetIdentity,
): readonly PrivacyLedgerEntry[] {
  const related: DataSetIdentity[] = [subject];
  let others: readonly PrivacyLedgerEntry[] = entries;
  // Grows as long as another entry is related to what it has taken in. What has no name leads to nothing further: it may
  // share examples with two data sets whose owner has said that they share none.
  for (const one of related) {
    related.push(...others.filter((entry) => entry.dataset !== null && mayShareExamples(entry, one)));
    others = others.filter((entry) => !mayShareExamples(entry, one));
  }
  return entries.filter((entry) => !others.includes(entry));
}

function mayShareExamples(one: DataSetIdentity, other: DataSetIdentity): boolean {
  if (one.dataset === null || other.dataset === null) return true;
  return one.dataset === other.dataset || (one.examples !== null && one.examples === other.examples);
}
