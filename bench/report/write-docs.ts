import { readFile, writeFile } from 'node:fs/promises';
import type { BenchResult } from './result.ts';
import { figureTable } from './table.ts';

const BEGIN = '<!-- bench: begin -->';
const END = '<!-- bench: end -->';

/** Replaces what stands between the two markers of a page. */
export async function writeDocs(file: string, result: BenchResult): Promise<void> {
  const page = await readFile(file, 'utf8');
  await writeFile(file, replaceBetween(page, describe(result)));
}

/** Throws when a marker is missing. */
export function replaceBetween(page: string, text: string): string {
  const begin = page.indexOf(BEGIN);
  const end = page.indexOf(END);
  if (begin === -1 || end < begin) throw new Error(`the page has no ${BEGIN} … ${END}`);
  return `${page.slice(0, begin + BEGIN.length)}\n\n${text}\n\n${page.slice(end)}`;
}

function describe({ machine, isQuick, seed, figures, skipped, growth }: BenchResult): string {
  const { cpu, cores, memoryGb, node, system, disk, load, at } = machine;
  const facts = [
    `${at.slice(0, 10)}, ${cpu}, ${cores} cores, ${memoryGb} GB, ${system}, ${disk}, Node ${node},`,
    `seed ${seed}, load of the machine at the end ${load.toFixed(1)}${isQuick ? ', **quick sizes**' : ''}`,
  ].join(' ');
  const tables = growth.map(({ title, table }) => `**${title}**\n\n${table}`);
  return [facts, figureTable(figures, skipped), ...tables].join('\n\n');
}
