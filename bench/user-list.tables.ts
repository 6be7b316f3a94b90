import type { Plan } from './explain.js';
import type { Timing } from './measure.js';
import { table } from './report.js';

/** What was measured of one case. */
export interface Result {
  readonly name: string;
  readonly judged: boolean;
  readonly total: number | null;
  readonly direct: Timing;
  readonly http: Timing;
  readonly page: Plan | null;
  readonly count: Plan | null;
}

/** How long the service and the route take, in milliseconds. */
export function timesTable(results: readonly Result[]): string {
  const head = ['case', 'users', 'service p50', 'p95', 'HTTP p50', 'p95'];
  const rows = results.map(({ name, total, direct, http }) => [
    name,
    total === null ? '' : total.toLocaleString('en'),
    direct.p50,
    direct.p95,
    http.p50,
    http.p95,
  ]);
  return table(head, rows);
}

/** What PostgreSQL takes for the page and for the total, and the indexes by which it finds them. */
export function plansTable(results: readonly Result[]): string {
  const head = ['case', 'page ms', 'page by', 'total ms', 'total by'];
  const by = (plan: Plan | null) => {
    // The handful of permissions is not worth an index to the planner.
    const large = plan?.seqScans.filter((name) => name !== 'authfort_role_permissions') ?? [];
    const scans = large.map((name) => `all of ${name}`);
    return [...(plan?.indexes ?? []), ...scans].map((name) => name.replace('authfort_', '')).join(', ');
  };
  const rows = results.map(({ name, page, count }) => [
    name,
    page?.milliseconds ?? 0,
    by(page),
    count?.milliseconds ?? 0,
    by(count),
  ]);
  return table(head, rows);
}
