/** Versions of the protocol that this build speaks, newest first. Both sides take the newest they have in common. */
export const PROTOCOL_VERSIONS: readonly number[] = [1];
export const PROTOCOL_VERSION = 1;
