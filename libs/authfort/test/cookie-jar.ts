import type { Answer } from './harness.js';

interface Kept {
  readonly name: string;
  readonly value: string;
  readonly path: string;
  readonly domain: string;
  readonly hostOnly: boolean;
}

/** The cookies of a browser, kept and sent as RFC 6265 §5.3 and §5.4 say: by name, domain and path. Time does not pass in it. */
export class CookieJar {
  private readonly kept = new Map<string, Kept>();

  /** Takes the cookies of a response of `host`. */
  receive(host: string, { setCookies }: Pick<Answer, 'setCookies'>): void {
    for (const line of setCookies) this.set(host, line);
  }

  set(host: string, line: string): void {
    const [pair = '', ...attributes] = line.split('; ');
    const [name = '', value = ''] = pair.split('=');
    const of = (wanted: string) =>
      attributes.find((each) => each.startsWith(`${wanted}=`))?.slice(wanted.length + 1);
    const domain = of('Domain')?.replace(/^\./, '');
    if (domain !== undefined && !isWithin(host, domain)) return;
    const cookie = {
      name,
      value,
      path: of('Path') ?? '/',
      domain: domain ?? host,
      hostOnly: domain === undefined,
    };
    const key = [name, cookie.domain, cookie.hostOnly, cookie.path].join(' ');
    if (of('Max-Age') === '0') this.kept.delete(key);
    else this.kept.set(key, cookie);
  }

  /** The cookies for a path of a host; longer paths first. */
  header(host: string, path: string): string {
    return this.sent(host, path)
      .map(({ name, value }) => `${name}=${value}`)
      .join('; ');
  }

  /** How many cookies of a name are sent. */
  count(host: string, path: string, name: string): number {
    return this.sent(host, path).filter((cookie) => cookie.name === name).length;
  }

  private sent(host: string, path: string): Kept[] {
    return [...this.kept.values()]
      .filter(({ domain, hostOnly }) => (hostOnly ? host === domain : isWithin(host, domain)))
      .filter((cookie) => cookie.path === '/' || path === cookie.path || path.startsWith(`${cookie.path}/`))
      .sort((a, b) => b.path.length - a.path.length);
  }
}

function isWithin(host: string, domain: string): boolean {
  return host === domain || host.endsWith(`.${domain}`);
}
