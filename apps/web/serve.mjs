// Serves the demo page of dist/apps/web. PORT (8003), and where the servers are: AUTH_URL, ORDERS_URL, NOTIFICATIONS_URL.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join, resolve } from 'node:path';

const folder = resolve(import.meta.dirname, '../../dist/apps/web');
const {
  PORT = '8003',
  AUTH_URL = 'http://localhost:8000',
  ORDERS_URL = 'http://localhost:8001',
  NOTIFICATIONS_URL = 'http://localhost:8002',
} = process.env;
const config = { authUrl: `${AUTH_URL}/auth`, ordersUrl: ORDERS_URL, notificationsUrl: NOTIFICATIONS_URL };
const file = (name, type) => ({ type, body: readFileSync(join(folder, name)) });
const pages = new Map([
  ['/', file('index.html', 'text/html; charset=utf-8')],
  // What the links in mails lead to; the page finds out which it is.
  ...['/verify-email', '/reset-password', '/magic-link', '/confirm-email'].map((path) => [
    path,
    file('index.html', 'text/html; charset=utf-8'),
  ]),
  ['/style.css', file('style.css', 'text/css; charset=utf-8')],
  ['/main.js', file('main.js', 'text/javascript; charset=utf-8')],
  ['/main.js.map', file('main.js.map', 'application/json')],
  ['/config.json', { type: 'application/json', body: JSON.stringify(config) }],
  ['/health/ready', { type: 'application/json', body: '{"status":"ok"}' }],
]);
const headers = {
  'cache-control': 'no-cache',
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    'img-src data:',
    `connect-src 'self' ${AUTH_URL} ${ORDERS_URL} ${NOTIFICATIONS_URL}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
};

const server = createServer((request, response) => {
  const page = pages.get((request.url ?? '/').split('?')[0]);
  if (request.method !== 'GET' && request.method !== 'HEAD') response.writeHead(405, headers).end();
  else if (!page) response.writeHead(404, headers).end();
  else response.writeHead(200, { ...headers, 'content-type': page.type }).end(page.body);
});
server.listen(Number(PORT));
process.on('SIGTERM', () => {
  server.closeAllConnections();
  server.close(() => process.exit(0));
});
