/** `fetch` as a browser does it towards one server: it keeps the cookies, and tells who asks for the page's origin. */
export function cookieJar(): typeof fetch & { readonly cookies: Map<string, string> } {
  const cookies = new Map<string, string>();
  const withCookies = async (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
    const request = new Request(input, init);
    if (request.credentials === 'omit') return fetch(request);
    request.headers.set('cookie', [...cookies].map(([name, value]) => `${name}=${value}`).join('; '));
    // A browser sends this by itself; with it the server insists on the mark that came with the refresh cookie.
    request.headers.set('sec-fetch-site', 'same-origin');
    const response = await fetch(request);
    for (const line of response.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line)!;
      if (/Max-Age=0/.test(line)) cookies.delete(name!);
      else cookies.set(name!, value!);
    }
    return response;
  };
  return Object.assign(withCookies, { cookies });
}
