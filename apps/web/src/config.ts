/** Where the servers are; `config.json` beside the page says it. */
export interface WebConfig {
  /** The routes of the auth server, for example `https://auth.example.com/auth`. */
  readonly authUrl: string;
  readonly ordersUrl: string;
  readonly notificationsUrl: string;
}

export async function readConfig(): Promise<WebConfig> {
  const response = await fetch('config.json');
  return (await response.json()) as WebConfig;
}
