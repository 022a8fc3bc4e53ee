// The entries of a privacy ledger that may be about the same examples, and so compose. In go all entries and a data set;
// out come those of its name, those of its digest, and those without a name, which nobody has said to be others. Two
// data sets are counted apart only by their owner's word, in two names, and where a digest does not contradict it: a
// data set that has grown keeps its name and so its history. One digest under two names
// makes them one.

import type { PrivacyLedgerEntry } from '../participation/client-store.ts';

type DataSet = Pick<PrivacyLedgerEntry, 'dataset' | 'examples'>;

export function entriesOfSameExamples(
  entries: readonly PrivacyLedgerEntry[],
  subject: DataSet,
): readonly PrivacyLedgerEntry[] {
  const related: DataSet[] = [subject];
  let others: readonly PrivacyLedgerEntry[] = entries;
  // Grows as long as another entry is related to what it has taken in. What has no name leads to nothing further: it may
  // share examples with two data sets whose owner has said that they share none.
  for (const one of related) {
    related.push(...others.filter((entry) => entry.dataset !== null && mayShareExamples(entry, one)));
    others = others.filter((entry) => !mayShareExamples(entry, one));
  }
  return entries.filter((entry) => !others.includes(entry));
}

function mayShareExamples(one: DataSet, other: DataSet): boolean {
  if (one.dataset === null || other.dataset === null) return true;
  return one.dataset === other.dataset || (one.examples !== null && one.examples === other.examples);
}
