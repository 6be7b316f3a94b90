import { describe, expect, it } from '@jest/globals';
import { isLoopbackOrigin, normalizeOrigin } from './origin.js';

describe('normalizeOrigin', () => {
  it.each([
    ['https://app.example.com', 'https://app.example.com'],
    ['HTTPS://App.Example.com:443', 'https://app.example.com'],
    ['http://app.example.com:80', 'http://app.example.com'],
    ['https://app.example.com:0443', 'https://app.example.com'],
    ['https://app.example.com:8443', 'https://app.example.com:8443'],
    ['https://app.example.com.', 'https://app.example.com'],
    ['https://app.example.com.:8443', 'https://app.example.com:8443'],
    ['https://straße.example', 'https://xn--strae-oqa.example'],
    ['https://my_host.example', 'https://my_host.example'],
    ['http://localhost:3000', 'http://localhost:3000'],
    ['http://[0:0::1]:80', 'http://[::1]'],
    ['http://192.168.0.1', 'http://192.168.0.1'],
    ['capacitor://localhost', 'capacitor://localhost'],
    ['Ionic://LocalHost', 'ionic://localhost'],
    ['tauri://localhost', 'tauri://localhost'],
    ['http://tauri.localhost', 'http://tauri.localhost'],
    ['app://obsidian.md', 'app://obsidian.md'],
    ['app://-', 'app://-'],
    ['app://.', 'app://.'],
    ['chrome-extension://abcdefghijklmnop', 'chrome-extension://abcdefghijklmnop'],
    ['com.example.app://localhost', 'com.example.app://localhost'],
  ])('writes %s as %s', (given, canonical) => {
    expect(normalizeOrigin(given)).toBe(canonical);
    expect(normalizeOrigin(canonical)).toBe(canonical);
  });
  it.each([
    '*',
    'null',
    '',
    'https://*',
    'https://*.example.com',
    'https://app.*',
    'capacitor://*',
    'https://app.example.com/',
    'https://app.example.com/path',
    'https://app.example.com?a=1',
    'https://app.example.com#a',
    'https://user:password@app.example.com',
    'https://app.example.com:99999',
    'https://app.example.com:*',
    'https://app..example.com',
    ' https://app.example.com',
    'https://app.example.com\n',
    'https://app.exa\tmple.com',
    'https://',
    'https:app.example.com',
    'app.example.com',
    'capacitor:',
    'capacitor://',
    'capacitor://localhost/',
    'file://',
    'file://host',
    'ws://app.example.com',
    'javascript://app.example.com',
    'data:text/html,x',
  ])('takes %j for no origin', (given) => expect(normalizeOrigin(given)).toBeUndefined());
});

describe('isLoopbackOrigin', () => {
  it.each(['http://localhost:3000', 'http://tauri.localhost', 'http://127.0.0.1', 'http://[::1]:80'])(
    'is true of %s',
    (origin) => expect(isLoopbackOrigin(origin)).toBe(true),
  );
  it.each(['http://app.example.com', 'http://localhost.example.com', 'http://10.0.0.1', 'http://xlocalhost'])(
    'is false of %s',
    (origin) => expect(isLoopbackOrigin(origin)).toBe(false),
  );
});
