/** Rows that one statement changes: it ends long before the statement timeout. */
export const BATCH_ROWS = 10_000;

/**
 * Repeats a statement that changes at most `rows` rows until it finds fewer.
 * @param change runs the statement and returns how many rows it changed
 */
export async function inBatches(change: (rows: number) => Promise<number>, rows = BATCH_ROWS): Promise<void> {
  while ((await change(rows)) === rows);
}
