// The clock of a round as a pure reducer: what has happened in, the next state and what to do about it out. It keeps no
// time and touches nothing; run-round.ts does what it says. Rules it keeps:
//   - a cohort is drawn only from at least `minimum` clients present, at once when `size` of them are there;
//   - a round closes when every client of the cohort has reported or at the deadline, and it closes once;
//   - committed and abandoned are final: only the next round follows.

import type { ClientId } from '../../shared/ids.ts';

/** How a client of the cohort has reported: an update staged, refused, or declined beforehand. */
export type Report = 'staged' | 'refused' | 'declined';

export type RoundState =
  | { readonly kind: 'selecting'; readonly round: number; readonly present: number; readonly waiting: boolean }
  | { readonly kind: 'configuring'; readonly round: number }
  | { readonly kind: 'reporting'; readonly round: number; readonly awaited: ReadonlySet<ClientId> }
  | { readonly kind: 'aggregating'; readonly round: number }
  | { readonly kind: 'committed'; readonly round: number }
  | { readonly kind: 'abandoned'; readonly round: number };

export type RoundEvent =
  /** Clients that could take part came or went. */
  | { readonly kind: 'population-changed'; readonly present: number }
  | { readonly kind: 'selection-timed-out' }
  /** When the cohort was to be drawn, fewer than the minimum were left. */
  | { readonly kind: 'fell-short' }
  /** The cohort is written down; `awaited` have not reported yet. */
  | { readonly kind: 'offered'; readonly awaited: ReadonlySet<ClientId> }
  | { readonly kind: 'reported'; readonly client: ClientId; readonly report: Report }
  | { readonly kind: 'deadline-passed' }
  | { readonly kind: 'closed'; readonly outcome: 'committed' | 'abandoned' };

/** What the driver has to do after a transition. */
export type RoundEffect =
  'count-clients' | 'wait-for-more-clients' | 'offer-round' | 'start-deadline' | 'close-round' | 'finish-round';

export interface CohortGoal {
  readonly minimum: number;
  readonly size: number;
}

export interface Transition {
  readonly state: RoundState;
  readonly effect: RoundEffect | null;
}

export const selecting = (round: number): RoundState => ({ kind: 'selecting', round, present: 0, waiting: false });

/** An event that means nothing in a state leaves it as it is. */
export function step(state: RoundState, event: RoundEvent, goal: CohortGoal): Transition {
  switch (state.kind) {
    case 'selecting':
      return stepSelecting(state, event, goal);
    case 'configuring':
      return stepConfiguring(state, event);
    case 'reporting':
      return stepReporting(state, event);
    case 'aggregating':
      if (event.kind !== 'closed') return unchanged(state);
      return { state: { kind: event.outcome, round: state.round }, effect: 'finish-round' };
    case 'committed':
    case 'abandoned':
      return unchanged(state);
  }
}

const unchanged = (state: RoundState): Transition => ({ state, effect: null });

type Selecting = Extract<RoundState, { kind: 'selecting' }>;

function stepSelecting(state: Selecting, event: RoundEvent, goal: CohortGoal): Transition {
  const configuring: Transition = { state: { kind: 'configuring', round: state.round }, effect: 'offer-round' };
  if (event.kind === 'population-changed') {
    const { present } = event;
    if (present >= goal.size) return configuring;
    const startsWaiting = present >= goal.minimum && !state.waiting;
    const next = { ...state, present, waiting: state.waiting || startsWaiting };
    return { state: next, effect: startsWaiting ? 'wait-for-more-clients' : null };
  }
  if (event.kind !== 'selection-timed-out') return unchanged(state);
  return state.present >= goal.minimum ? configuring : unchanged({ ...state, waiting: false });
}

function stepConfiguring(state: RoundState, event: RoundEvent): Transition {
  if (event.kind === 'offered') return startReporting(state.round, event.awaited);
  return event.kind === 'fell-short' ? { state: selecting(state.round), effect: 'count-clients' } : unchanged(state);
}

type Reporting = Extract<RoundState, { kind: 'reporting' }>;

function stepReporting(state: Reporting, event: RoundEvent): Transition {
  if (event.kind === 'deadline-passed') return startClosing(state.round);
  if (event.kind !== 'reported' || !state.awaited.has(event.client)) return unchanged(state);
  const awaited = new Set([...state.awaited].filter((client) => client !== event.client));
  return awaited.size === 0 ? startClosing(state.round) : unchanged({ ...state, awaited });
}

function startReporting(round: number, awaited: ReadonlySet<ClientId>): Transition {
  if (awaited.size === 0) return startClosing(round);
  return { state: { kind: 'reporting', round, awaited }, effect: 'start-deadline' };
}

function startClosing(round: number): Transition {
  return { state: { kind: 'aggregating', round }, effect: 'close-round' };
}
