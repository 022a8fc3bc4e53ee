// Who is offered the next round: a uniform draw among the eligible, at most so many of one organisation. It follows from
// the round's recorded seed alone: whoever has the revealed seed and the eligible list draws the same cohort.

import { sha256 } from '@noble/hashes/sha2.js';
import { fromHex, toHex } from '../../shared/bytes.ts';
import { type ClientId, compareText, type Digest, type OrganisationId } from '../../shared/ids.ts';

export interface EligibleClient {
  readonly id: ClientId;
  readonly organisation: OrganisationId;
}

export interface CohortDraw {
  /** Most clients of the cohort. */
  readonly size: number;
  /** Most clients of one organisation; null where there is no cap. */
  readonly maxPerOrganisation: number | null;
  readonly seed: Digest;
}

/**
 * Lowest rank first; an organisation's clients beyond its cap are passed over and leave their places to others.
 * @returns the ids drawn, in the order of ids.
 */
export function selectCohort(eligible: readonly EligibleClient[], draw: CohortDraw): readonly ClientId[] {
  const cap = draw.maxPerOrganisation ?? Infinity;
  const taken = new Map<OrganisationId, number>();
  const withinCap = byRank(eligible, draw.seed).filter(({ organisation }) => {
    const before = taken.get(organisation) ?? 0;
    taken.set(organisation, before + 1);
    return before < cap;
  });
  return withinCap
    .slice(0, draw.size)
    .map(({ id }) => id)
    .sort(compareText);
}

function byRank(eligible: readonly EligibleClient[], seed: Digest): readonly EligibleClient[] {
  const ranked = eligible.map((client) => ({ client, rank: rankOf(seed, client.id) }));
  return ranked.sort((a, b) => compareText(a.rank, b.rank)).map(({ client }) => client);
}

/** SHA-256 of 64 bytes: the seed's 32, then the client id's 32 (both decoded from their hex). Ranks compare as bytes. */
function rankOf(seed: Digest, client: ClientId): string {
  return toHex(sha256(fromHex(seed + client)));
}

/** How many clients of these organisations, one an entry, a cohort of any size can hold. */
export function largestDraw(organisations: readonly OrganisationId[], maxPerOrganisation: number): number {
  const members = new Map<OrganisationId, number>();
  for (const organisation of organisations) members.set(organisation, (members.get(organisation) ?? 0) + 1);
  return [...members.values()].reduce((sum, count) => sum + Math.min(count, maxPerOrganisation), 0);
}
