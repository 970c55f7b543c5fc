import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { isMet, ratioToBudget } from './figure.ts';
import type { BenchResult } from './result.ts';

/** For programs that compare runs. */
export async function writeJson(file: string, result: BenchResult): Promise<void> {
  const figures = result.figures.map((figure) => ({
    ...figure,
    ...(figure.budget !== undefined && {
      ratio: ratioToBudget(figure.value, figure.budget),
      isMet: isMet(figure.value, figure.budget),
    }),
  }));
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, `${JSON.stringify({ ...result, figures }, undefined, 2)}\n`);
}
