import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Answer, PASSWORD, startServer, type TestServer } from '../harness.js';

const LURE = 'www.evil.example/claim-your-prize';

/** An attacker can choose the address of a mail. Its text must not become a link in a mail that the app has signed with its name. */
describe('attack: a message in the local part of an address', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer({ options: { allowPasswordlessSignup: true } });
  });
  afterAll(() => server.close());

  const address = (domain: string) => `${LURE}@${domain}`;
  async function expectNoLure(email: string, asked: Answer): Promise<void> {
    expect(asked.status).toBeLessThan(300);
    await server.mailTo(email);
    const mail = server.mail.last(email);
    expect(mail?.to).toBe(email);
    for (const written of [mail!.subject, mail!.text, mail!.html]) expect(written).not.toMatch(/evil|prize/);
    // Where a link is expected, it is the app's own, and the only one.
    for (const [, host] of `${mail!.text} ${mail!.html}`.matchAll(/(?:https?:)?\/\/([^/\s"]+)/g))
      expect(host).toBe('app.example.com');
  }

  it('is in no mail that is asked for', async () => {
    const unknown = address('unknown.example');
    await expectNoLure(unknown, await server.post('/auth/magic-link', { email: unknown }));
    await expectNoLure(unknown, await server.post('/auth/otp', { email: unknown }));
    const email = address('known.example');
    await expectNoLure(email, await server.post('/auth/signup', { email, password: PASSWORD, name: LURE }));
    await expectNoLure(email, await server.post('/auth/forgot-password', { email }));
  });

  it('is in no mail about a change of address', async () => {
    const user = await server.signUp();
    const bearer = user.accessToken;
    const next = address('next.example');
    const asked = await server.post('/auth/email-change', { email: next, password: PASSWORD }, { bearer });
    await expectNoLure(next, asked);
    await expectNoLure(user.email, asked);
    // The owner still learns where the account would go.
    expect(server.mail.last(user.email)!.text.replaceAll('\u2060', '')).toContain('w…@next.example');
  });

  it('has a bound', async () => {
    for (const email of [
      `${'a'.repeat(65)}@example.com`,
      `${'ü'.repeat(33)}@example.com`,
      `a@${'b.'.repeat(127)}com`,
    ])
      for (const path of ['/auth/forgot-password', '/auth/magic-link', '/auth/otp']) {
        const { status, body } = await server.post(path, { email });
        expect([status, body.error]).toEqual([400, 'invalid_email']);
      }
  });
});
