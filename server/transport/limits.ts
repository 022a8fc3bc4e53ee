// What the coordinator bears from those who talk to it, in one place: counts, bytes, milliseconds and rates, each with its
// reason. What both sides have to agree on stands in shared/protocol/events.ts. Behind a reverse proxy all clients have
// the proxy's address: raise what is counted by address there, or let the proxy limit addresses.

const KB = 1024;

export const SERVER_LIMITS = {
  /** A socket that has not joined by then is closed: hello and join take two round trips and one signature. */
  joinDeadlineMs: 5_000,
  /** Bytes that a socket may send before it has joined: ten times what hello and join come to. */
  bytesBeforeJoin: 16 * KB,
  /** In how many reads: each one read costs memory of its own, however few its bytes. */
  readsBeforeJoin: 64,
  /** Sockets that have not joined, of one address: 400 clients of one machine join at once, with room to spare. */
  strangersPerAddress: 512,
  /** Sockets that have not joined, in all: they hold at most 32 MB of what they have sent. */
  strangers: 2_048,
  /** Sockets that have joined, in all: the largest cohort that a federation may ask for, and 128 MB of idle sockets. */
  joined: 10_000,
  /** Frames of one message: a browser or a proxy cuts 512 KB into 64 KB or 8 KB pieces, a liar into single bytes. */
  fragmentsPerMessage: 64,
  /** Characters of the JSON of one message: the longest, with a ledger checkpoint in it, has some five thousand. */
  textLength: 64 * KB,
  /** Brackets inside brackets in the JSON of one message: a statement needs five. */
  jsonDepth: 16,
  /** Bytes announced and not yet handed over, all clients together, unless configured otherwise. */
  uploadBytes: 1024 ** 3,
  /** Updates announced and not yet handed over, all clients together: the largest cohort. */
  uploads: 10_000,
  /** Messages of one socket, and of all sockets that one client has joined with. */
  messages: { burst: 60, perSecond: 20 },
  /** Statements of spent rounds of one client: all of the longest history at once, and an entry of the ledger each. */
  statements: { burst: 100, perSecond: 0.1 },
  /** Upgrades, hellos and joins of one address: some 650 clients at once; a signature takes 0.15 ms to verify. */
  greetings: { burst: 2_000, perSecond: 400 },
  /** An HTTP request, or a websocket handshake, is to have its headers by then … */
  headersTimeoutMs: 5_000,
  /** … and its body by then; the answer may take as long as it takes. */
  requestTimeoutMs: 8_000,
  /** How often Node looks for requests that are late (every 30 s by itself, which would be the real limit). */
  lateCheckIntervalMs: 1_000,
  /** Body of an HTTP request, in bytes. */
  bodyBytes: 32 * KB,
} as const;
