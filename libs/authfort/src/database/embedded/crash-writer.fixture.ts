import { writeSync } from 'node:fs';
import { DataSource } from 'typeorm';
import { embeddedPostgres } from './embedded-postgres.js';

/** Commits pairs of rows for ever, and acknowledges each pair on stdout. Its parent kills it. */
const dataDir = process.argv[2];
const dataSource = new DataSource(
  embeddedPostgres({ dataDir, production: false, onProgress: () => writeSync(1, 'creating\n') }),
);
await dataSource.initialize();
await dataSource.query('CREATE TABLE IF NOT EXISTS pair (n int NOT NULL, half text NOT NULL)');
const [{ next }] = await dataSource.query('SELECT coalesce(max(n), 0) + 1 AS next FROM pair');
for (let n: number = next; ; n += 1) {
  await dataSource.transaction(async (manager) => {
    await manager.query(`INSERT INTO pair VALUES ($1, 'left')`, [n]);
    await manager.query(`INSERT INTO pair VALUES ($1, 'right')`, [n]);
  });
  writeSync(1, `${n}\n`);
}
