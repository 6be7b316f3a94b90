/** Where a request came from, as far as it can be believed. */
export interface ClientInfo {
  /** The client's address behind the trusted proxies. */
  readonly ip: string;
  readonly userAgent: string | null;
}

/** For what the server does by itself, or what is called from code. */
export const NO_CLIENT: ClientInfo = { ip: '', userAgent: null };
