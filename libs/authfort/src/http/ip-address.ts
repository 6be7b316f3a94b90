import { isIP, isIPv4 } from 'node:net';

/**
 * The canonical text of an address. One client has one spelling: IPv4 in dotted form, also where it is mapped into IPv6
 * (`::ffff:c000:201`, RFC 4291 §2.5.5.2); IPv6 in lower case and compressed (RFC 5952) without its zone id. Proxies may write quotes
 * and a port: `192.0.2.1:4711`, `"[2001:db8::1]:4711"`.
 * @returns undefined for text that is no address: it must never become the key of a rate limit
 */
export function parseAddress(text: string | undefined): string | undefined {
  // The longest IPv6 address has 45 characters; quotes, a port and a zone id are added. The bound keeps the patterns cheap.
  if (text === undefined || text.length > 100) return undefined;
  const bare = withoutPort(text.trim().replace(/^"(.*)"$/, '$1'));
  if (isIPv4(bare)) return bare;
  const [address = ''] = bare.split('%');
  return isIP(address) === 6 ? compressed(address) : undefined;
}

function withoutPort(text: string): string {
  const [, address] =
    /^\[([^\]]*)\](?::\d{1,5})?$/.exec(text) ?? /^(\d+(?:\.\d+){3}):\d{1,5}$/.exec(text) ?? [];
  return address ?? text;
}

/** The URL parser compresses as RFC 5952 asks, and writes the IPv4 part in hexadecimal. */
function compressed(ipv6: string): string {
  const address = new URL(`http://[${ipv6}]`).hostname.slice(1, -1);
  const [, high, low] = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(address) ?? [];
  if (high === undefined || low === undefined) return address;
  return [high, low]
    .map((pair) => parseInt(pair, 16))
    .flatMap((pair) => [pair >> 8, pair & 0xff])
    .join('.');
}
