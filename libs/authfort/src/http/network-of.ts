/** What counts as one client: an IPv4 address, or the /64 that one IPv6 client holds as a whole (RFC 6177). */
export function networkOf(ip: string): string {
  return ip.includes(':') ? expand(ip).slice(0, 4).join(':') : ip;
}

/** The network whose clients share one line where clients wait: the /24 of an IPv4 address, the /48 of an IPv6 one. */
export function fairShareOf(ip: string): string {
  return widerNetworksOf(ip)[0] ?? ip;
}

/**
 * The networks around a client that one operator may hold as a whole: the /24 and the /16 of an IPv4 address, the /48 (one site,
 * RFC 6177 §2) and the /32 (one provider) of an IPv6 address. Empty for text that is no address.
 */
export function widerNetworksOf(ip: string): string[] {
  if (ip.includes(':')) {
    const groups = expand(ip);
    return [`${groups.slice(0, 3).join(':')}/48`, `${groups.slice(0, 2).join(':')}/32`];
  }
  const [a, b, c, d] = ip.split('.');
  return d === undefined ? [] : [`${a}.${b}.${c}/24`, `${a}.${b}/16`];
}

function expand(ipv6: string): string[] {
  const [head = '', tail] = ipv6.split('%')[0]!.split('::');
  const left = head ? head.split(':') : [];
  const right = tail ? tail.split(':') : [];
  const zeros = tail === undefined ? 0 : 8 - left.length - right.length;
  return [...left, ...Array<string>(Math.max(0, zeros)).fill('0'), ...right].map((group) =>
    group.toLowerCase().replace(/^0+(?=.)/, ''),
  );
}
