import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';

/** A bar of a chart: its name, and its length in the unit of the chart. */
export interface Bar {
  readonly name: string;
  readonly value: number;
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

/** Writes `results/<name>.svg`: a bar for each case, and a line where the limit in milliseconds is, if there is one. */
export function writeChart(name: string, title: string, bars: readonly Bar[], limit?: number): void {
  const scale = (WIDTH - LEFT - 70) / Math.max((limit ?? 0) * 1.05, ...bars.map((bar) => bar.value));
  const height = 64 + bars.length * ROW;
  const rows = bars.map((bar, n) => {
    const y = 48 + n * ROW;
    const length = Math.max(bar.value * scale, 1);
    return `  <text x="${LEFT - 8}" y="${y + 12}" text-anchor="end">${escape(bar.name)}</text>
  <rect x="${LEFT}" y="${y}" width="${length.toFixed(1)}" height="16" fill="${limit !== undefined && bar.value > limit ? '#c0392b' : '#2f6fab'}"/>
  <text x="${(LEFT + length + 6).toFixed(1)}" y="${y + 12}">${bar.value.toFixed(1)}</text>`;
  });
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" font-family="sans-serif" font-size="12">
  <rect width="100%" height="100%" fill="#fff"/>
  <text x="12" y="20" font-size="14" font-weight="bold">${escape(title)}</text>
${[...(limit === undefined ? [] : limitLine(limit, LEFT + limit * scale, height)), ...rows].join('\n')}
</svg>
`;
  mkdirSync(RESULTS, { recursive: true });
  writeFileSync(join(RESULTS, `${name}.svg`), svg);
}

function limitLine(limit: number, x: number, height: number): string[] {
  const at = x.toFixed(1);
  return [
    `  <line x1="${at}" x2="${at}" y1="40" y2="${height - 12}" stroke="#c0392b" stroke-dasharray="4 3"/>`,
    `  <text x="${at}" y="36" text-anchor="middle" fill="#c0392b">${limit} ms</text>`,
  ];
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
