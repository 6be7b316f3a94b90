import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Database } from '../../src/database/database.js';
import { PASSWORD, startServer, type TestServer } from '../harness.js';

const SEED = [
  `INSERT INTO authfort_users (id, email, name, created_at)
   SELECT gen_random_uuid(), n || '@crowd-' || n % 500 || '.example', 'Person Nr' || n || ' Of Crowd', now() - n * interval '1 minute'
   FROM generate_series(1, 5000) n`,
  'ANALYZE authfort_users',
];

const PEOPLE: [email: string, name: string | undefined][] = [
  ['ada@shop.example', 'Ada Lovelace'],
  ['grace@shop.example', 'Grace Brewster Hopper'],
  ['jean@shop.example.com', 'Jean-Luc Picard'],
  ['shop.example@other.example', "Miles O'Brien"],
  ['x@eu.shop.example', 'Ärger Über-Groß'],
  ['lovelace@other.example', undefined],
  ['a_b@other.example', '100% Under_score'],
  ['lee@bücher.example', '李 小龍'],
  ['anna@other.example', 'Anna J Smith'],
  ['anne@other.example', 'Anne Smithson'],
];

describe('search in the list of users', () => {
  let server: TestServer;
  let bearer: string;
  const search = async (text: string, more = '') => {
    const { status, body } = await server.request(
      `/auth/admin/users?search=${encodeURIComponent(text)}${more}`,
      { bearer },
    );
    expect(status).toBe(200);
    return body as { users: { email: string; name: string }[]; total: number; next_cursor: string | null };
  };
  const emails = async (text: string, more?: string) => {
    const { users, total } = await search(text, more);
    expect(total).toBe(users.length);
    return users.map(({ email }) => email.split('@')[0]).sort();
  };
  beforeAll(async () => {
    server = await startServer();
    for (const statement of SEED) await server.dataSource.query(statement);
    for (const [email, name] of PEOPLE)
      await server.authfort.createUser({ email, ...(name !== undefined && { name }) });
    await server.authfort.createUser({ email: 'root@admin.example', password: PASSWORD, roles: ['admin'] });
    const login = await server.post('/auth/login', { email: 'root@admin.example', password: PASSWORD });
    bearer = login.body.tokens.access_token;
  });
  afterAll(() => server.close());

  it.each([
    ['a domain', '@shop.example', ['ada', 'grace', 'jean']],
    ['a domain in capitals', ' @SHOP.Example ', ['ada', 'grace', 'jean']],
    ['the beginning of a domain', '@shop', ['ada', 'grace', 'jean']],
    ['a subdomain', '@eu.shop', ['x']],
    ['no part of a domain', '@example', []],
    ['a domain in Unicode', '@bücher.example', ['lee']],
    ['a domain in Punycode', '@xn--bcher-kva.example', ['lee']],
    ['an address with its domain in Punycode', 'lee@xn--bcher-kva.example', ['lee']],
    ['the beginning of an address', 'shop.ex', ['shop.example']],
    ['a whole address', 'Ada@shop.example', ['ada']],
    ['a first name', 'ada', ['ada']],
    ['a later word', 'brewster', ['grace']],
    ['the last word in capitals', 'HOPPER', ['grace']],
    ['the beginning of a later word', 'hopp', ['grace']],
    ['two words in any order', 'hopper grace', ['grace']],
    ['words of two people', 'ada hopper', []],
    ['a name and an address', 'lovelace', ['ada', 'lovelace']],
    ['a part of a name with a hyphen', 'luc', ['jean']],
    ['a name with a hyphen', 'Jean-Luc', ['jean']],
    ['a name with an apostrophe', "O'Brien", ['shop.example']],
    ['letters that are not ASCII', 'ärger', ['x']],
    ['capitals that are not ASCII', 'ÄRGER', ['x']],
    ['a later part with such letters', 'groß', ['x']],
    ['a name of one character', '李', ['lee']],
    ['a whole word of one letter', 'j smith', ['anna']],
    ['not words that begin with one letter', 'a smith', []],
    ['the beginning of two names', 'smith', ['anna', 'anne']],
    ['the middle of no word', 'ovelace', []],
    ['% as a character', '%', []],
    ['% behind letters as a character', 'ad%', []],
    ['_ as a character', 'ad_', []],
    ['_ in an address', 'a_b', ['a_b']],
    ['% before a domain', '%@shop.example', []],
    ['* as a character', 'ad*', []],
    ['operators of queries as characters', "ada | grace:* & !x <-> '", []],
    ['a backslash', 'ada\\', []],
    ['a quote', "'", []],
    ['many words', 'word '.repeat(50).slice(0, 255), []],
  ])('finds %s', async (_, text, expected) => expect(await emails(text)).toEqual(expected));

  it('finds everybody by @ and by nothing', async () => {
    expect((await search('@')).total).toBe((await search(' ')).total);
  });
  it.each(['&sort=created_at', '&sort=created_at&order=asc', '&sort=email', '&sort=email&order=desc'])(
    'pages without gaps and without repetition (%s)',
    async (more) => {
      for (const text of ['crowd', '@crowd-7.', 'person nr1', '1']) {
        const all = (await search(text, `&limit=100${more}`)).users.map(({ email }) => email).slice(0, 9);
        const paged: string[] = [];
        let cursor: string | null = '';
        for (let page = 0; page < 3 && cursor !== null; page += 1) {
          const found = await search(text, `&limit=3${more}${cursor && `&cursor=${cursor}`}`);
          paged.push(...found.users.map(({ email }) => email));
          cursor = found.next_cursor;
        }
        expect(paged).toEqual(all);
      }
    },
  );
  it('combines with the other filters', async () => {
    const { id } = await server.authfort.createUser({
      email: 'late@other.example',
      name: 'Late Lovelace',
      roles: ['clerk'],
    });
    expect(await emails('lovelace', '&role=clerk')).toEqual(['late']);
    expect(await emails('@other', '&role=clerk&sort=email')).toEqual(['late']);
    await server.authfort.banUser(id);
    expect(await emails('lovelace', '&banned=true')).toEqual(['late']);
    expect(await emails('lovelace', '&banned=false')).toEqual(['ada', 'lovelace']);
    await server.authfort.deleteUser(id);
    expect(await emails('late')).toEqual([]);
    for (const text of ['late', 'lovelace', '@other.example'])
      expect(await emails(text, '&deleted=true')).toEqual([]);
  });
  it('finds a user by the new name, and not by the old one', async () => {
    const user = await server.authfort.createUser({
      email: 'renamed@other.example',
      name: 'Before Marriage',
    });
    await server.authfort.updateUser(user.id, { name: 'After Wedding' });
    expect(await emails('wedding')).toEqual(['renamed']);
    expect(await emails('marriage')).toEqual([]);
    await server.authfort.updateUser(user.id, { name: null });
    expect(await emails('wedding')).toEqual([]);
  });
  it.each(['@shop.example', 'hopper', 'ada lovelace', 'jean-luc', '@crowd-7.example', 'lee@b'])(
    'reads an index for %s',
    async (text) => {
      const statements = await recorded(() => search(text, '&limit=5'));
      expect(statements.length).toBe(2);
      for (const { sql, values } of statements) {
        const lines = await server.dataSource.query<{ 'QUERY PLAN': string }[]>(`EXPLAIN ${sql}`, values);
        const plan = lines.map((line) => line['QUERY PLAN']).join('\n');
        expect(plan).not.toContain('Seq Scan on authfort_users');
        expect(plan).toMatch(/authfort_users_(domain|name|live_email)_idx/);
      }
    },
  );

  /** The statements about lists of users that the action sends. */
  async function recorded(action: () => Promise<unknown>): Promise<{ sql: string; values: unknown[] }[]> {
    const database = server.app.get(Database);
    const original = database.query.bind(database) as (sql: unknown, values: unknown[]) => Promise<never>;
    const statements: { sql: string; values: unknown[] }[] = [];
    database.query = ((sql: unknown, values: unknown[]) => {
      if (typeof sql !== 'string') return original(sql, values);
      if (sql.includes('count(*)') || sql.includes('sortKey')) statements.push({ sql, values: [...values] });
      return original(sql, values);
    }) as typeof database.query;
    try {
      await action();
    } finally {
      database.query = original as typeof database.query;
    }
    return statements;
  }
});
