import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Bench } from './bench.ts';
import { now } from './lib/clock.ts';
import { type Options, parseOptions, UsageError, usage } from './options.ts';
import { endAll, startNothingMore } from './processes/probed-child.ts';
import { machineFacts } from './report/machine.ts';
import type { BenchResult } from './report/result.ts';
import { figureTable } from './report/table.ts';
import { writeDocs } from './report/write-docs.ts';
import { writeJson } from './report/write-json.ts';
import { rows } from './rows/rows.ts';

async function main(): Promise<void> {
  const options = parseOptions(process.argv.slice(2), Object.keys(rows));
  if (options.wantsHelp) {
    process.stdout.write(usage(Object.keys(rows)));
    return;
  }
  const interrupted = untilInterrupted();
  const folder = await makeFolder(options.keep);
  const { seed, isQuick, isProfiling, databases } = options;
  const bench = new Bench({ folder, seed, isQuick, isProfiling, databases, print });
  try {
    const rowSeconds = await measureAll(bench, options.only, interrupted);
    const { figures, skipped, growth, profiles } = bench;
    const facts = { machine: await machineFacts(), isQuick, seed, rowSeconds };
    await report({ ...facts, figures, skipped, growth, profiles }, options);
  } finally {
    startNothingMore();
    await endAll();
    await bench.close();
    if (options.keep === undefined) await rm(folder, { recursive: true, force: true });
  }
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** One of its own for each run: what another left would be taken for this one's. */
async function makeFolder(keep: string | undefined): Promise<string> {
  const parent = keep ?? tmpdir();
  await mkdir(parent, { recursive: true });
  return mkdtemp(join(parent, 'dispatchoor-bench-'));
}

/** A row that fails is told and stops no other. */
async function measureAll(
  bench: Bench,
  names: readonly string[],
  interrupted: Promise<never>,
): Promise<Record<string, number>> {
  const rowSeconds: Record<string, number> = {};
  for (const name of names) {
    bench.print(`${name} …`);
    const startedAt = now();
    try {
      await Promise.race([rows[name]?.(bench), interrupted]);
    } catch (error) {
      if (error instanceof UsageError) throw error;
      process.exitCode = 1;
      await endAll();
      bench.skip({ row: name, name: 'failed', reason: lineOf(error) });
      process.stderr.write(`${error instanceof Error ? String(error.stack) : String(error)}\n`);
    }
    rowSeconds[name] = (now() - startedAt) / 1_000;
    bench.print(`  ${rowSeconds[name].toFixed(0)} s`);
  }
  return rowSeconds;
}

function lineOf(error: unknown): string {
  return String(error).split('\n')[0] ?? '';
}

async function report(result: BenchResult, { json, docs }: Options): Promise<void> {
  print(`\n${figureTable(result.figures, result.skipped)}`);
  for (const { title, table } of result.growth) print(`\n${title}\n\n${table}`);
  await writeJson(json, result);
  if (docs !== undefined) await writeDocs(docs, result);
  print(`\nwritten: ${json}`);
}

/** Rejects on Ctrl-C, so that what was started is ended on the way out. */
function untilInterrupted(): Promise<never> {
  const interrupted = Promise.withResolvers<never>();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => interrupted.reject(new UsageError(`interrupted by ${signal}`)));
  }
  // Nobody waits for it between two rows.
  interrupted.promise.catch(() => undefined);
  return interrupted.promise;
}

try {
  await main();
} catch (error) {
  const isExpected = error instanceof UsageError;
  const text = error instanceof Error && !isExpected ? error.stack : String(error);
  process.stderr.write(`${text ?? ''}\n`);
  process.exitCode = 1;
}
