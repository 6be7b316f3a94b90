const MFA_TOKEN = /([?#&])mfa_token=([^&#]+)&?/;

/**
 * The token of a sign-in that needs a second factor, as the auth server appends it to the address after a provider's sign-in. It is taken
 * out of the address at once, so that it is neither shared nor kept in the history; the rest of the address stays as it is.
 */
export function takeMfaToken(): string | undefined {
  if (typeof history !== 'object') return undefined;
  const address = location.pathname + location.search + location.hash;
  const token = MFA_TOKEN.exec(address)?.[2];
  if (!token) return undefined;
  history.replaceState(history.state, '', address.replace(MFA_TOKEN, '$1').replace(/[?#&]+(?=#|$)/, ''));
  return decodeURIComponent(token);
}
