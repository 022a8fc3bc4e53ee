// Where a client stands in a round, as a pure reducer. Rules it keeps: at most one round at a time; what has been
// trained once is never trained again (an offer for a round whose update is written leads straight to sending it);
// nothing is sent after the round has closed.

export type ClientState =
  | { readonly kind: 'idle' }
  | { readonly kind: 'training'; readonly round: number }
  | { readonly kind: 'submitting'; readonly round: number }
  /** Receipt or refusal is here; the verdict is not. */
  | { readonly kind: 'waiting'; readonly round: number }
  | { readonly kind: 'left' };

export type ClientEvent =
  /** `written`: an update of this round lies in the client's folder already. */
  | { readonly kind: 'offered'; readonly round: number; readonly written: boolean }
  | { readonly kind: 'trained'; readonly round: number }
  | { readonly kind: 'declined'; readonly round: number }
  /** The coordinator has answered: with a receipt or a refusal. */
  | { readonly kind: 'answered'; readonly round: number }
  | { readonly kind: 'round-closed'; readonly round: number }
  | { readonly kind: 'left' };

/** What has to be done after a transition; `stop` also ends work under way for an earlier round. */
export type ClientEffect = 'train' | 'submit' | 'report' | 'stop';

export interface ClientTransition {
  readonly state: ClientState;
  readonly effect: ClientEffect | null;
}

/** An event of another round than the one under way, or out of place, changes nothing. */
export function stepClient(state: ClientState, event: ClientEvent): ClientTransition {
  if (state.kind === 'left') return { state, effect: null };
  if (event.kind === 'left') return { state: { kind: 'left' }, effect: 'stop' };
  if (state.kind === 'idle') return event.kind === 'offered' ? begin(event) : { state, effect: null };
  if (event.kind === 'offered') return event.round > state.round ? begin(event) : { state, effect: null };
  if (event.round !== state.round) return { state, effect: null };
  if (event.kind === 'round-closed') return { state: { kind: 'idle' }, effect: 'report' };
  return progress(state, event);
}

function begin({ round, written }: Extract<ClientEvent, { kind: 'offered' }>): ClientTransition {
  return written
    ? { state: { kind: 'submitting', round }, effect: 'submit' }
    : { state: { kind: 'training', round }, effect: 'train' };
}

function progress(
  state: Extract<ClientState, { kind: 'training' | 'submitting' | 'waiting' }>,
  { kind }: Extract<ClientEvent, { kind: 'trained' | 'declined' | 'answered' }>,
): ClientTransition {
  const { round } = state;
  if (state.kind === 'training' && kind === 'trained')
    return { state: { kind: 'submitting', round }, effect: 'submit' };
  const done = state.kind === 'training' ? kind === 'declined' : state.kind === 'submitting' && kind === 'answered';
  return done ? { state: { kind: 'waiting', round }, effect: null } : { state, effect: null };
}
