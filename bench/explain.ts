import type { DataSource, Logger } from 'typeorm';

/** A statement as it was sent. */
export interface Statement {
  readonly sql: string;
  readonly parameters: unknown[];
}

/** What PostgreSQL did for a statement. */
export interface Plan {
  readonly milliseconds: number;
  /** Pages of 8 KiB looked at. */
  readonly buffers: number;
  /** Indexes by which users and holders of a role were found; those of the sub-selects of each row are left out. */
  readonly indexes: readonly string[];
  /** Tables read from beginning to end. */
  readonly seqScans: readonly string[];
  readonly text: string;
}

interface PlanNode {
  'Node Type': string;
  'Relation Name'?: string;
  'Index Name'?: string;
  'Parent Relationship'?: string;
  'Shared Hit Blocks'?: number;
  'Shared Read Blocks'?: number;
  'Actual Rows'?: number;
  Plans?: PlanNode[];
}

/** The statements about users that `work` sends; the server's own timers send others meanwhile. */
export async function statementsOf(
  dataSource: DataSource,
  work: () => Promise<unknown>,
): Promise<Statement[]> {
  const statements: Statement[] = [];
  const before = dataSource.logger;
  dataSource.logger = {
    logQuery: (sql: string, parameters: unknown[] = []) => {
      if (/ FROM authfort_user/.test(sql)) statements.push({ sql, parameters });
    },
    logQueryError: () => undefined,
    logQuerySlow: () => undefined,
    logSchemaBuild: () => undefined,
    logMigration: () => undefined,
    log: () => undefined,
  } satisfies Logger;
  try {
    await work();
  } finally {
    dataSource.logger = before;
  }
  return statements;
}

export async function explain(dataSource: DataSource, { sql, parameters }: Statement): Promise<Plan> {
  const [row] = await dataSource.query<[{ 'QUERY PLAN': [{ Plan: PlanNode; 'Execution Time': number }] }]>(
    `EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) ${sql}`,
    parameters,
  );
  const [{ Plan: root, 'Execution Time': milliseconds }] = row['QUERY PLAN'];
  const all = nodes(root, () => true);
  const own = nodes(
    root,
    (node) => node['Parent Relationship'] !== 'InitPlan' && node['Parent Relationship'] !== 'SubPlan',
  );
  return {
    milliseconds,
    buffers: (root['Shared Hit Blocks'] ?? 0) + (root['Shared Read Blocks'] ?? 0),
    indexes: distinct(own.map((node) => node['Index Name'])),
    seqScans: distinct(
      all.filter((node) => node['Node Type'].endsWith('Seq Scan')).map((node) => node['Relation Name']),
    ),
    text: lines(root).join('\n'),
  };
}

function nodes(node: PlanNode, wanted: (node: PlanNode) => boolean): PlanNode[] {
  if (!wanted(node)) return [];
  return [node, ...(node.Plans ?? []).flatMap((child) => nodes(child, wanted))];
}

function distinct(names: (string | undefined)[]): string[] {
  return [...new Set(names.filter((name) => name !== undefined))];
}

function lines(node: PlanNode, depth = 0): string[] {
  const on = node['Index Name'] ?? node['Relation Name'];
  const line = `${'  '.repeat(depth)}${node['Node Type']}${on ? ` ${on}` : ''} (rows ${node['Actual Rows'] ?? 0})`;
  return [line, ...(node.Plans ?? []).flatMap((child) => lines(child, depth + 1))];
}
