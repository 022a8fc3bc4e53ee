// The one catalogue of refusals. Whatever Muster turns away (an update, a socket, a command) leaves with a code from
// here; faults of our own are exceptions instead. server/README.md draws where on the way of an update each code leaves.

/** Where on its way an update was stopped; `command` for refusals of the command line. */
export const refusalLayers = [
  'transport',
  'admission',
  'integrity',
  'anomaly',
  'noise-witness',
  'staging',
  'rule',
  'privacy',
  'model',
  'ledger',
  'command',
] as const;
export type RefusalLayer = (typeof refusalLayers)[number];

interface RefusalKind {
  readonly layer: RefusalLayer;
  /** True where sending the very same thing again can succeed. */
  readonly retryable: boolean;
  readonly httpStatus: number;
  readonly meaning: string;
}

const kindOf =
  (retryable: boolean) =>
  (layer: RefusalLayer, httpStatus: number, meaning: string): RefusalKind => ({
    layer,
    retryable,
    httpStatus,
    meaning,
  });
/** Sending the very same thing again cannot succeed. */
const final = kindOf(false);
/** Sending the very same thing again can succeed. */
const again = kindOf(true);

export const refusalCatalogue = {
  'unsupported-protocol': final('transport', 426, 'no protocol version in common'),
  'malformed-message': final('transport', 400, 'a message does not fit its schema'),
  'too-large': final('transport', 413, 'more bytes declared or sent than the model can need'),
  'rate-limited': again('transport', 429, 'too many messages or connections at once'),
  'deadline-missed': final('transport', 408, 'no whole update arrived before the round closed'),
  'not-enrolled': final('admission', 401, 'the key is not enrolled and no valid invite came with it'),
  'not-in-cohort': final('admission', 403, 'the client was not offered this round'),
  banned: final('admission', 403, 'an admin has banned the client'),
  revoked: final('admission', 403, 'the key has been revoked or replaced by another'),
  'awaiting-approval': again('admission', 403, 'an admin has yet to approve the client'),
  'bad-name': final('admission', 400, 'the name cannot be shown to people safely'),
  'look-alike-name': final('admission', 409, 'the name looks like that of another client'),
  'wrong-audience': final('admission', 403, 'the join was signed for another coordinator’s address'),
  'challenge-expired': again('admission', 401, 'the challenge was given too long ago'),
  'not-admin': final('admission', 401, 'the request does not carry the admin token of this folder'),
  'wrong-federation': final('admission', 404, 'another federation is served here'),
  'bad-signature': final('integrity', 401, 'the signature does not verify under the client’s key'),
  'bad-length': again('integrity', 400, 'fewer or more bytes arrived than the envelope declares'),
  'bad-digest': again('integrity', 400, 'the bytes received are not those the envelope names'),
  'bad-format': final('integrity', 400, 'the bytes are not a safetensors file'),
  'unknown-tensor': final('integrity', 400, 'a tensor is missing, extra or repeated'),
  'bad-shape': final('integrity', 400, 'a tensor has another shape or type than the model’s'),
  'not-finite': final('integrity', 400, 'a value is NaN or infinite'),
  'wrong-base': final('integrity', 409, 'the update starts from another model than the round’s'),
  'wrong-terms': final('integrity', 409, 'the envelope claims other privacy terms than the round’s'),
  replayed: final('integrity', 409, 'a challenge or statement is used a second time'),
  'unknown-checkpoint': final('integrity', 409, 'the statement names a ledger checkpoint that was never signed here'),
  'too-large-value': final('anomaly', 422, 'one value is beyond the absolute bound'),
  'too-large-norm': final('anomaly', 422, 'the L2 norm is beyond the bound'),
  'noise-missing': final('noise-witness', 422, 'the update does not hold the declared privacy noise'),
  'shared-noise': final('noise-witness', 422, 'two updates share noise that has to be independent'),
  quarantined: final('anomaly', 422, 'a rule of the admin left the update out of this round'),
  equivocation: final('staging', 409, 'a second, different update was signed in the same round'),
  'round-closed': final('staging', 410, 'the round no longer takes updates'),
  'cohort-too-small': final('rule', 409, 'fewer updates reached the rule than it needs for f'),
  'budget-exhausted': final('privacy', 403, 'the planned steps would pass the privacy budget'),
  'gate-failed': final('model', 500, 'the candidate model holds a value that is not finite'),
  'unknown-model': final('model', 404, 'no model of this digest is kept here'),
  'bad-checkpoint': final('ledger', 400, 'the ledger checkpoint is not signed by the key it should be'),
  'ledger-rewritten': final('ledger', 409, 'the ledger shown does not extend the one seen before'),
  'unproven-model': final('ledger', 409, 'the ledger does not prove that the model was committed'),
  'ledger-damaged': final('ledger', 409, 'the ledger is not as it was written'),
  'bad-bundle': final('ledger', 400, 'the bundle does not prove the round it describes'),
  'updates-dropped': final('ledger', 410, 'the updates of the round are not kept any more'),
  'unknown-command': final('command', 400, 'no such command'),
  'unknown-option': final('command', 400, 'no such option'),
  'unknown-attack': final('command', 400, 'no such attack'),
  'unknown-rule': final('command', 400, 'no such aggregation rule'),
  'bad-option': final('command', 400, 'an option’s value does not fit'),
  'bad-config': final('command', 400, 'the federation file does not fit its schema'),
  'f-too-large': final('command', 400, 'the rule cannot tolerate f liars among so few clients'),
  'folder-mismatch': final('command', 409, 'the folder was made with other options'),
  'folder-in-use': again('command', 409, 'another process holds the data folder'),
  'no-history': final('command', 404, 'the folder holds no federation'),
  'unknown-round': final('command', 404, 'the folder holds no such round'),
  'unknown-client': final('command', 404, 'no such client'),
  'unknown-invite': final('command', 404, 'no such invite'),
  'not-applicable': final('command', 409, 'the client or invite is in a state that does not allow this'),
} satisfies Record<string, RefusalKind>;

export type RefusalCode = keyof typeof refusalCatalogue;

/** What is told to whoever is refused. Never holds weights, tokens, personal data or a cohort's thresholds. */
export interface Refusal {
  readonly code: RefusalCode;
  readonly message: string;
  readonly expected?: string;
  readonly found?: string;
  readonly hint?: string;
}

/** A refusal as the outcome of a stage. */
export interface Refused {
  readonly kind: 'refused';
  readonly refusal: Refusal;
}

export const isRefusalCode = (text: string): text is RefusalCode => Object.hasOwn(refusalCatalogue, text);

/** Message defaults to the catalogue's meaning. */
export function refuse(
  code: RefusalCode,
  facts: Omit<Refusal, 'code' | 'message'> & { message?: string } = {},
): Refused {
  return { kind: 'refused', refusal: { message: refusalCatalogue[code].meaning, ...facts, code } };
}

export function isRefused(outcome: object): outcome is Refused {
  return 'kind' in outcome && outcome.kind === 'refused';
}

/** Carries a refusal through code that has to throw, such as a command line or a client's promise. */
export class RefusedError extends Error {
  override readonly name = 'RefusedError';
  readonly refusal: Refusal;
  constructor(refusal: Refusal) {
    super(refusal.message);
    this.refusal = refusal;
  }
}

/** The outcome, where it is none of refusal. @throws RefusedError */
export function accepted<T extends object>(outcome: T | Refused): T {
  if (isRefused(outcome)) throw new RefusedError(outcome.refusal);
  return outcome;
}
