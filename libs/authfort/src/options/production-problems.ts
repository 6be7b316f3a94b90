import { isLoopbackOrigin, normalizeOrigin } from 'authfort-service';
import type { AuthFortOptions } from './auth-fort.options.js';

/** Options that are for development only. */
export function productionProblems(options: AuthFortOptions): string[] {
  const problems: string[] = [];
  if (options.requireVerifiedEmail === true && !options.mail?.smtpUrl && !options.mail?.transport)
    problems.push('requireVerifiedEmail: needs mail.smtpUrl or mail.transport in production');
  if (options.mail?.smtpUrl !== undefined && options.mail.from === undefined)
    problems.push('mail.from: is needed in production with smtpUrl: servers refuse mail from localhost');
  if (options.keyEncryptionSecret === undefined)
    problems.push(
      'keyEncryptionSecret: is needed in production; set KEY_ENCRYPTION_SECRET to 32 random bytes (openssl rand -base64 32)',
    );
  if (options.cookie?.secure === false) problems.push('cookie.secure: must not be false in production');
  if (isWithoutTls(options.frontendUrl))
    problems.push('frontendUrl: must be https in production: mails link to it with one-time tokens');
  if (options.cookie)
    (options.corsOrigins ?? []).forEach((origin, index) => {
      if (isWithoutTls(origin))
        problems.push(
          `corsOrigins.${index}: must be https in production: anybody on the network path can write such a page`,
        );
    });
  return problems;
}

/** Whether a URL is http and not of this machine. The schema reports texts that are no URLs. */
function isWithoutTls(url: string | undefined): boolean {
  if (typeof url !== 'string' || !/^http:/i.test(url) || !URL.canParse(url)) return false;
  return !isLoopbackOrigin(normalizeOrigin(new URL(url).origin) ?? url);
}
