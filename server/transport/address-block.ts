// A remote address -> what one subscriber can be expected to hold: an IPv4 address alone, an IPv6 address by its /64
// (RFC 6177: a site gets at least that, 2^64 addresses for the asking), an IPv4-mapped one (RFC 4291, section 2.5.5.2) as
// IPv4. Limits are counted by it.

import { isIPv6 } from 'node:net';

/** `remoteAddress` of a socket, which is undefined once the socket is gone: those count together. */
export function addressBlock(remoteAddress: string | undefined): string {
  const [ip = ''] = (remoteAddress ?? '').split('%');
  if (!isIPv6(ip)) return ip;
  const groups = groupsOf(ip);
  const isMapped = groups.slice(0, 6).join() === '0,0,0,0,0,65535';
  if (isMapped) return groups.slice(6).flatMap(octetsOf).join('.');
  return `${groups.slice(0, 4).map(inHex).join(':')}::/64`;
}

/** The eight 16-bit groups. */
function groupsOf(ip: string): readonly number[] {
  const [head = '', tail] = ip.split('::').map((part) => (part === '' ? [] : part.split(':').flatMap(parsed)));
  const left = head === '' ? [] : head;
  if (tail === undefined) return left;
  return [...left, ...Array.from({ length: 8 - left.length - tail.length }, () => 0), ...tail];
}

/** One group, or two where an address ends in dotted IPv4. */
function parsed(group: string): readonly number[] {
  if (!group.includes('.')) return [Number.parseInt(group, 16)];
  const [a = 0, b = 0, c = 0, d = 0] = group.split('.').map(Number);
  return [a * 256 + b, c * 256 + d];
}

const octetsOf = (group: number): readonly number[] => [group >> 8, group & 255];

const inHex = (group: number): string => group.toString(16);
