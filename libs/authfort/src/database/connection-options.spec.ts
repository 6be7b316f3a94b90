import { afterEach, describe, expect, it } from '@jest/globals';
import { DataSource } from 'typeorm';
import { testDatabaseUrl } from '../testing/env.js';
import { connectionOptions, driverUrl } from './connection-options.js';

let dataSource: DataSource | undefined;

afterEach(() => dataSource?.destroy());

describe('connectionOptions', () => {
  it('reads the URLs of the multi-service recipe', () => {
    for (const scheme of ['postgres', 'postgresql', 'postgresql+asyncpg', 'postgresql+psycopg']) {
      expect(driverUrl(`${scheme}://ada:pw@db:5432/app?sslmode=verify-full`)).toBe(
        'postgres://ada:pw@db:5432/app?sslmode=verify-full',
      );
    }
  });

  it('refuses the URL of another database without repeating it', () => {
    const settings = { databaseUrl: 'mysql://ada:s3cret@db/app', dataDir: '.data', production: false };
    expect(() => connectionOptions(settings)).toThrow(/must begin with postgres:\/\//);
    expect(() => connectionOptions(settings)).not.toThrow(/s3cret/);
  });

  it('has ten connections, or as many as it is told', () => {
    const settings = { databaseUrl: 'postgres://db/app', dataDir: '.data', production: true };
    expect(connectionOptions(settings)).toMatchObject({ poolSize: 10 });
    expect(connectionOptions({ ...settings, poolSize: 3 })).toMatchObject({ poolSize: 3 });
  });

  const url = testDatabaseUrl();
  (url ? it : it.skip)('bounds how long a statement and an idle transaction may take', async () => {
    const options = connectionOptions({ databaseUrl: url, dataDir: '.data', production: true });
    dataSource = await new DataSource(options).initialize();
    expect(await dataSource.query('SHOW statement_timeout')).toEqual([{ statement_timeout: '10s' }]);
    expect(await dataSource.query('SHOW idle_in_transaction_session_timeout')).toEqual([
      { idle_in_transaction_session_timeout: '10s' },
    ]);
  });
});
