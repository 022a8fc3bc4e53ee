// Which addresses a join may have been signed for: the one that clients are told, or, where none is, this machine under
// the port that is listened on. A join signed for another address was meant for another coordinator.

export interface Audience {
  /** Origin that clients use; null where only this machine does. */
  readonly publicUrl: string | null;
  readonly port: number;
}

const LOOPBACK = new Set(['127.0.0.1', 'localhost', '[::1]']);
const DEFAULT_PORTS = new Map([
  ['http:', '80'],
  ['https:', '443'],
]);

export function isAudience(origin: string, { publicUrl, port }: Audience): boolean {
  const meant = placeOf(origin);
  if (!meant) return false;
  if (publicUrl === null) return meant.host === THIS_MACHINE && meant.port === String(port);
  const told = placeOf(publicUrl);
  return told?.protocol === meant.protocol && told.host === meant.host && told.port === meant.port;
}

const THIS_MACHINE = 'localhost';

/** One host for every name of this machine, and the port that the scheme implies; undefined for what is no URL. */
function placeOf(
  text: string,
): { readonly protocol: string; readonly host: string; readonly port: string } | undefined {
  if (!URL.canParse(text)) return undefined;
  const { protocol, hostname, port } = new URL(text);
  const host = LOOPBACK.has(hostname) ? THIS_MACHINE : hostname;
  return { protocol, host, port: port || (DEFAULT_PORTS.get(protocol) ?? '') };
}
