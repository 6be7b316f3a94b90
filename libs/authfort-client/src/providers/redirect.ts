/**
 * The token of a sign-in that needs a second factor, as the auth server appends it to the address after a provider's sign-in. It is taken
 * out of the address at once, so that it is neither shared nor kept in the history.
 */
export function takeMfaToken(): string | undefined {
  if (typeof history !== 'object') return undefined;
  const fragment = new URLSearchParams(location.hash.slice(1));
  const query = new URLSearchParams(location.search);
  const token = fragment.get('mfa_token') ?? query.get('mfa_token');
  if (!token) return undefined;
  fragment.delete('mfa_token');
  query.delete('mfa_token');
  const rest = [query.size > 0 && `?${query}`, fragment.size > 0 && `#${fragment}`].filter(Boolean).join('');
  history.replaceState(history.state, '', location.pathname + rest);
  return token;
}
