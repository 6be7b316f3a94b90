/** What counts as one client: an IPv4 address, or the /64 that one IPv6 client holds as a whole (RFC 6177). */
export function networkOf(ip: string): string {
  return ip.includes(':') ? expand(ip).slice(0, 4).join(':') : ip;
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
