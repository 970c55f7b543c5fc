import { type Figure, isMet, ratioToBudget, type Skipped } from './figure.ts';

type Row = readonly string[];

const HEAD: Row = ['row', 'figure', 'on', 'value', 'budget', 'ratio', '', 'note'];
/** Columns of numbers, to be read down. */
const RIGHT = new Set([3, 4, 5]);

/** A Markdown table that is aligned for terminals too. */
export function figureTable(figures: readonly Figure[], skipped: readonly Skipped[]): string {
  return markdownTable(
    HEAD,
    [
      ...figures.map(figureRow),
      ...skipped.map(({ row, name, reason }) => [row, name, '', '–', '', '', 'skipped', reason]),
    ],
    RIGHT,
  );
}

function figureRow({ row, name, on = '', value, unit, budget, note = '' }: Figure): Row {
  const told = `${number(value)} ${unit}`.trimEnd();
  if (budget === undefined) return [row, name, on, told, '', '', '', note];
  const sign = budget.is === 'at-most' ? '≤' : '≥';
  return [
    ...[row, name, on, told, `${sign} ${number(budget.limit)}`],
    ...[ratioToBudget(value, budget).toFixed(2), isMet(value, budget) ? 'ok' : 'MISS', note],
  ];
}

/** Three digits that count: `0.42`, `12.3`, `2,140`. */
export function number(value: number): string {
  const size = Math.abs(value);
  const digits = size >= 100 ? 0 : size >= 10 ? 1 : 2;
  return value.toLocaleString('en-US', { maximumFractionDigits: digits });
}

export function markdownTable(
  head: Row,
  rows: readonly Row[],
  right: ReadonlySet<number> = new Set(),
): string {
  const widths = head.map((title, i) =>
    Math.max(3, title.length, ...rows.map((row) => (row[i] ?? '').length)),
  );
  const line = (cells: Row): string => {
    const padded = widths.map((width, i) => {
      const cell = cells[i] ?? '';
      return right.has(i) ? cell.padStart(width) : cell.padEnd(width);
    });
    return `| ${padded.join(' | ')} |`;
  };
  const rule = widths.map((width, i) =>
    right.has(i) ? `${'-'.repeat(width - 1)}:` : '-'.repeat(width),
  );
  return [line(head), line(rule), ...rows.map(line)].join('\n');
}
