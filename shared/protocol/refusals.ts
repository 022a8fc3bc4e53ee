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

export const refusalCatalogue = {
  'unsupported-protocol': {
    layer: 'transport',
    retryable: false,
    httpStatus: 426,
    meaning: 'no protocol version in common',
  },
  'malformed-message': {
    layer: 'transport',
    retryable: false,
    httpStatus: 400,
    meaning: 'a message does not fit its schema',
  },
  'too-large': {
    layer: 'transport',
    retryable: false,
    httpStatus: 413,
    meaning: 'more bytes declared or sent than the model can need',
  },
  'rate-limited': {
    layer: 'transport',
    retryable: true,
    httpStatus: 429,
    meaning: 'too many messages or connections at once',
  },
  'deadline-missed': {
    layer: 'transport',
    retryable: false,
    httpStatus: 408,
    meaning: 'no whole update arrived before the round closed',
  },
  'not-enrolled': {
    layer: 'admission',
    retryable: false,
    httpStatus: 401,
    meaning: 'the key is not enrolled and no valid invite came with it',
  },
  'not-in-cohort': {
    layer: 'admission',
    retryable: false,
    httpStatus: 403,
    meaning: 'the client was not offered this round',
  },
  banned: { layer: 'admission', retryable: false, httpStatus: 403, meaning: 'an admin has banned the client' },
  'wrong-federation': {
    layer: 'admission',
    retryable: false,
    httpStatus: 404,
    meaning: 'another federation is served here',
  },
  'bad-signature': {
    layer: 'integrity',
    retryable: false,
    httpStatus: 401,
    meaning: 'the signature does not verify under the client’s key',
  },
  'bad-length': {
    layer: 'integrity',
    retryable: true,
    httpStatus: 400,
    meaning: 'fewer or more bytes arrived than the envelope declares',
  },
  'bad-digest': {
    layer: 'integrity',
    retryable: true,
    httpStatus: 400,
    meaning: 'the bytes received are not those the envelope names',
  },
  'bad-format': {
    layer: 'integrity',
    retryable: false,
    httpStatus: 400,
    meaning: 'the bytes are not a safetensors file',
  },
  'unknown-tensor': {
    layer: 'integrity',
    retryable: false,
    httpStatus: 400,
    meaning: 'a tensor is missing, extra or repeated',
  },
  'bad-shape': {
    layer: 'integrity',
    retryable: false,
    httpStatus: 400,
    meaning: 'a tensor has another shape or type than the model’s',
  },
  'not-finite': { layer: 'integrity', retryable: false, httpStatus: 400, meaning: 'a value is NaN or infinite' },
  'wrong-base': {
    layer: 'integrity',
    retryable: false,
    httpStatus: 409,
    meaning: 'the update starts from another model than the round’s',
  },
  'wrong-terms': {
    layer: 'integrity',
    retryable: false,
    httpStatus: 409,
    meaning: 'the envelope claims other privacy terms than the round’s',
  },
  replayed: {
    layer: 'integrity',
    retryable: false,
    httpStatus: 409,
    meaning: 'a challenge or statement is used a second time',
  },
  'too-large-value': {
    layer: 'anomaly',
    retryable: false,
    httpStatus: 422,
    meaning: 'one value is beyond the absolute bound',
  },
  'too-large-norm': { layer: 'anomaly', retryable: false, httpStatus: 422, meaning: 'the L2 norm is beyond the bound' },
  'noise-missing': {
    layer: 'noise-witness',
    retryable: false,
    httpStatus: 422,
    meaning: 'the update does not hold the declared privacy noise',
  },
  equivocation: {
    layer: 'staging',
    retryable: false,
    httpStatus: 409,
    meaning: 'a second, different update was signed in the same round',
  },
  'round-closed': { layer: 'staging', retryable: false, httpStatus: 410, meaning: 'the round no longer takes updates' },
  'cohort-too-small': {
    layer: 'rule',
    retryable: false,
    httpStatus: 409,
    meaning: 'fewer updates reached the rule than it needs for f',
  },
  'budget-exhausted': {
    layer: 'privacy',
    retryable: false,
    httpStatus: 403,
    meaning: 'the planned steps would pass the privacy budget',
  },
  'gate-failed': {
    layer: 'model',
    retryable: false,
    httpStatus: 500,
    meaning: 'the candidate model holds a value that is not finite',
  },
  'unknown-model': {
    layer: 'model',
    retryable: false,
    httpStatus: 404,
    meaning: 'no model of this digest is kept here',
  },
  'unknown-command': { layer: 'command', retryable: false, httpStatus: 400, meaning: 'no such command' },
  'unknown-option': { layer: 'command', retryable: false, httpStatus: 400, meaning: 'no such option' },
  'unknown-attack': { layer: 'command', retryable: false, httpStatus: 400, meaning: 'no such attack' },
  'unknown-rule': { layer: 'command', retryable: false, httpStatus: 400, meaning: 'no such aggregation rule' },
  'bad-option': { layer: 'command', retryable: false, httpStatus: 400, meaning: 'an option’s value does not fit' },
  'bad-config': {
    layer: 'command',
    retryable: false,
    httpStatus: 400,
    meaning: 'the federation file does not fit its schema',
  },
  'f-too-large': {
    layer: 'command',
    retryable: false,
    httpStatus: 400,
    meaning: 'the rule cannot tolerate f liars among so few clients',
  },
  'folder-mismatch': {
    layer: 'command',
    retryable: false,
    httpStatus: 409,
    meaning: 'the folder was made with other options',
  },
  'folder-in-use': {
    layer: 'command',
    retryable: true,
    httpStatus: 409,
    meaning: 'another process holds the data folder',
  },
  'no-history': { layer: 'command', retryable: false, httpStatus: 404, meaning: 'the folder holds no federation' },
  'unknown-round': { layer: 'command', retryable: false, httpStatus: 404, meaning: 'the folder holds no such round' },
} as const satisfies Record<string, RefusalKind>;

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
