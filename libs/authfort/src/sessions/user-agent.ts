import { parse } from 'bowser';

/** The parts of a user agent that AuthFort reads. Undefined: not known. */
export interface UserAgent {
  readonly browser: string | undefined;
  /** The major version of the browser. */
  readonly browserVersion: string | undefined;
  readonly os: string | undefined;
  /** For example `desktop` or `mobile`. */
  readonly type: string | undefined;
}

/** Parsing takes about 60 µs, and a page of sessions has 100 user agents. */
const MAX_PARSED = 500;
const parsed = new Map<string, UserAgent>();

/** How many user agents are in memory, for the test of the bound. */
export const parsedUserAgents = (): number => parsed.size;

/** Parses a user agent, or returns the result from memory, which holds those that were parsed last. */
export function parseUserAgent(text: string): UserAgent {
  const known = parsed.get(text);
  if (known) return known;
  const { browser, os, platform } = parse(text);
  const userAgent = {
    browser: browser.name || undefined,
    browserVersion: browser.version?.split('.')[0] || undefined,
    os: os.name || undefined,
    type: platform.type || undefined,
  };
  if (parsed.size >= MAX_PARSED) parsed.delete(parsed.keys().next().value!);
  parsed.set(text, userAgent);
  return userAgent;
}
