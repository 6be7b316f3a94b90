import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';

/** A bar of a chart: its name, and its length in milliseconds. */
export interface Bar {
  readonly name: string;
  readonly milliseconds: number;
}

const RESULTS = join(import.meta.dirname, 'results');

/** Writes `results/<name>.json`, with the machine and the date. */
export function writeResults(name: string, results: object): void {
  mkdirSync(RESULTS, { recursive: true });
  const [cpu] = cpus();
  const machine = { cores: cpus().length, cpu: cpu?.model, node: process.version };
  const content = { date: new Date().toISOString().slice(0, 10), machine, ...results };
  writeFileSync(join(RESULTS, `${name}.json`), `${JSON.stringify(content, null, 2)}\n`);
}

/** Lines of a Markdown table; numbers stand to the right. */
export function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const text = rows.map((row) => row.map((cell) => (typeof cell === 'number' ? cell.toFixed(1) : cell)));
  const widths = head.map((title, n) => Math.max(title.length, 4, ...text.map((row) => row[n]!.length)));
  const right = head.map((_, n) => typeof rows[0]?.[n] === 'number');
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, n) => (right[n] ? cell.padStart(widths[n]!) : cell.padEnd(widths[n]!))).join(' | ')} |`;
  const rule = widths.map((width, n) => (right[n] ? `${'-'.repeat(width - 1)}:` : '-'.repeat(width)));
  return [line(head), line(rule), ...text.map(line)].join('\n');
}

const ROW = 22;
const LEFT = 290;
const WIDTH = 860;

/** Writes `results/<name>.svg`: a bar for each case, and a line where the limit is. */
export function writeChart(name: string, title: string, bars: readonly Bar[], limit: number): void {
  const scale = (WIDTH - LEFT - 70) / Math.max(limit * 1.05, ...bars.map((bar) => bar.milliseconds));
  const height = 64 + bars.length * ROW;
  const limitAt = (LEFT + limit * scale).toFixed(1);
  const rows = bars.map((bar, n) => {
    const y = 48 + n * ROW;
    const length = Math.max(bar.milliseconds * scale, 1);
    return `  <text x="${LEFT - 8}" y="${y + 12}" text-anchor="end">${escape(bar.name)}</text>
  <rect x="${LEFT}" y="${y}" width="${length.toFixed(1)}" height="16" fill="${bar.milliseconds > limit ? '#c0392b' : '#2f6fab'}"/>
  <text x="${(LEFT + length + 6).toFixed(1)}" y="${y + 12}">${bar.milliseconds.toFixed(1)}</text>`;
  });
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" font-family="sans-serif" font-size="12">
  <rect width="100%" height="100%" fill="#fff"/>
  <text x="12" y="20" font-size="14" font-weight="bold">${escape(title)}</text>
  <line x1="${limitAt}" x2="${limitAt}" y1="40" y2="${height - 12}" stroke="#c0392b" stroke-dasharray="4 3"/>
  <text x="${limitAt}" y="36" text-anchor="middle" fill="#c0392b">${limit} ms</text>
${rows.join('\n')}
</svg>
`;
  mkdirSync(RESULTS, { recursive: true });
  writeFileSync(join(RESULTS, `${name}.svg`), svg);
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
