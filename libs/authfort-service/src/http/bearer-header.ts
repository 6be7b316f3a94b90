/** The header of a secret. Header values are bytes: a secret beyond ASCII is sent as UTF-8. */
export function bearerHeader(secret: string): string {
  return `Bearer ${Buffer.from(secret, 'utf8').toString('latin1')}`;
}
