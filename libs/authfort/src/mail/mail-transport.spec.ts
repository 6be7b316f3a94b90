import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { resolveOptions } from '../options/resolve-options.js';
import type { AuthFortOptions } from '../options/auth-fort.options.js';
import { mailTransport } from './mail-transport.js';
import { MemoryMail } from './memory.transport.js';

const warnings: string[] = [];
const lines: string[] = [];
beforeEach(() => {
  jest.spyOn(Logger.prototype, 'warn').mockImplementation((text: string) => void warnings.push(text));
  jest.spyOn(Logger.prototype, 'log').mockImplementation((text: string) => void lines.push(text));
});
afterEach(() => {
  jest.restoreAllMocks();
  warnings.length = 0;
  lines.length = 0;
});

const mail = {
  from: 'a@example.com',
  to: 'b@example.com',
  subject: 'Hello',
  text: 'code 123456',
  html: '',
};
const transportOf = (options: AuthFortOptions, production: boolean) =>
  mailTransport(resolveOptions(options, { production, keyEncryptionSecret: 'a secret of the environment' }));

describe('the transport', () => {
  it('is the log in development', async () => {
    await transportOf({}, false).send(mail);
    expect(warnings).toEqual([]);
    expect(lines).toEqual(['To b@example.com: Hello\ncode 123456']);
  });

  it('is none in production, which one warning says; no code is logged', async () => {
    const transport = transportOf({}, true);
    await transport.send(mail);
    await transport.send(mail);
    expect(warnings).toEqual([expect.stringContaining('SMTP_URL')]);
    expect(lines).toEqual([]);
  });

  it('warns where the links in its mails lead nowhere', () => {
    transportOf({ mail: { transport: new MemoryMail() }, frontendUrl: 'https://app.example.com' }, false);
    expect(warnings).toEqual([]);
    transportOf({ mail: { transport: new MemoryMail() } }, false);
    expect(warnings).toEqual([expect.stringContaining('frontendUrl')]);
  });
});
