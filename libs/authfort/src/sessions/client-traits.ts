import { createHmac } from 'node:crypto';
import { isIPv4, isIPv6 } from 'node:net';
import type { ClientInfo } from '../http/client-info.js';
import { parseUserAgent } from './user-agent.js';

/**
 * Network and device of the client that presents a refresh token, as HMACs keyed by that token. The key is stored nowhere, so a
 * database dump reveals neither. Two requests with the same token are comparable, which is all that the comparison needs. Null: unknown.
 */
export interface ClientTraits {
  readonly network: Buffer | null;
  readonly device: Buffer | null;
}

/** 128 bits: enough to distinguish two values. */
const TRAIT_BYTES = 16;

/** The traits of a client, keyed by the refresh token that it presents. */
export function traitsOf({ ip, userAgent }: ClientInfo, token: string): ClientTraits {
  return {
    network: keyed(token, 'network', networkOf(ip)),
    device: keyed(token, 'device', deviceOf(userAgent)),
  };
}

/**
 * The network of an address: the /24 of an IPv4 address and the /48 of an IPv6 address, the usual size of a site (RFC 6177 §2). Null
 * for anything else, such as the peer of a Unix socket.
 */
export function networkOf(ip: string): string | null {
  if (isIPv4(ip)) return ip.split('.', 3).join('.');
  return isIPv6(ip) ? firstGroups(ip).join(':') : null;
}

/**
 * The browser and the operating system, both without version: an update does not make another device. A client that is not a
 * browser counts by the name of its first product (RFC 9110 §10.1.5). Null when the client sends no user agent.
 */
export function deviceOf(userAgent: string | null): string | null {
  if (!userAgent) return null;
  const { browser, os } = parseUserAgent(userAgent);
  const product = browser ?? /^[^\s/;(]+/.exec(userAgent)?.[0] ?? '';
  // Some names carry the version of an app, such as "Shop/1.2 CFNetwork".
  const name = product.replace(/\/?v?\d[\w.-]*/g, '').trim();
  return name || os ? `${name}|${os ?? ''}`.toLowerCase() : null;
}

function keyed(token: string, kind: 'network' | 'device', value: string | null): Buffer | null {
  if (value === null) return null;
  return createHmac('sha256', token)
    .update(`authfort ${kind} `)
    .update(value)
    .digest()
    .subarray(0, TRAIT_BYTES);
}

/** The first three of the eight groups of an IPv6 address, without leading zeros. */
function firstGroups(ipv6: string): string[] {
  const [head = ''] = ipv6.split('%')[0]!.split('::');
  const groups = head ? head.split(':') : [];
  return [0, 1, 2].map((index) => parseInt(groups[index] ?? '0', 16).toString(16));
}
