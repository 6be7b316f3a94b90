import type { AuthFortOptions } from './auth-fort.options.js';

type CookieOptions = NonNullable<AuthFortOptions['cookie']>;

/** Combinations of cookie options whose cookies browsers drop, or that overwrite each other. Names have prefixes in any case (RFC 6265bis §4.1.3). */
export function cookieProblems(cookie: CookieOptions | undefined): string[] {
  if (!cookie) return [];
  const { accessName = 'access_token', refreshName = 'refresh_token', secure = true, sameSite } = cookie;
  const problems = [
    ...prefixProblems('accessName', accessName, secure),
    ...prefixProblems('refreshName', refreshName, secure),
  ];
  if (isHostOnly(refreshName) && secure)
    problems.push('cookie.refreshName: must not begin with __Host-, since its path is the route prefix');
  if (isHostOnly(accessName) && secure && (cookie.domain !== undefined || (cookie.path ?? '/') !== '/'))
    problems.push('cookie.accessName: begins with __Host-, which allows no domain and no path but /');
  if (sameSite === 'none' && !secure)
    problems.push(
      'cookie.secure: must be true when sameSite is "none" (browsers refuse the cookie otherwise)',
    );
  if (accessName === refreshName) problems.push('cookie: accessName and refreshName must differ');
  if (accessName === `__Host-${refreshName}-session`)
    problems.push('cookie.accessName: is the name of the session mark, which is made of refreshName');
  return problems;
}

function isHostOnly(name: string): boolean {
  return /^__Host-/i.test(name);
}

function prefixProblems(option: string, name: string, secure: boolean): string[] {
  const prefix = /^__(Host|Secure|Http)-/i.exec(name)?.[0];
  return prefix !== undefined && !secure
    ? [`cookie.${option}: begins with ${prefix}, which needs secure`]
    : [];
}
