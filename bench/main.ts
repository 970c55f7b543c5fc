import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Bench } from './bench.ts';
import { now } from './lib/clock.ts';
import { parseOptions, UsageError, usage } from './options.ts';
import { endAll } from './processes/child.ts';
import { machineFacts } from './report/machine.ts';
import { figureTable } from './report/table.ts';
import { writeDocs } from './report/write-docs.ts';
import { writeJson } from './report/write-json.ts';
import { rows } from './rows.ts';

async function main(): Promise<void> {
  const options = parseOptions(process.argv.slice(2), Object.keys(rows));
  if (options.wantsHelp) {
    process.stdout.write(usage(Object.keys(rows)));
    return;
  }
  const folder = options.keep ?? (await mkdtemp(join(tmpdir(), 'dispatchoor-bench-')));
  const bench = new Bench({
    ...{ folder, seed: options.seed, isQuick: options.isQuick, databases: options.databases },
    isProfiling: options.isProfiling,
    tell: (line) => process.stdout.write(`${line}\n`),
  });
  const interrupted = untilInterrupted();
  const rowSeconds: Record<string, number> = {};
  try {
    for (const name of options.only) {
      bench.tell(`${name} …`);
      const startedAt = now();
      await Promise.race([rows[name]?.(bench), interrupted]);
      rowSeconds[name] = (now() - startedAt) / 1_000;
    }
  } finally {
    await endAll();
    await bench.close();
    if (options.keep === undefined) await rm(folder, { recursive: true, force: true });
  }
  const machine = await machineFacts();
  const { figures, skipped, growth, profiles } = bench;
  bench.tell(`\n${figureTable(figures, skipped)}`);
  for (const { title, table } of growth) bench.tell(`\n${title}\n\n${table}`);
  const facts = { machine, isQuick: options.isQuick, seed: options.seed, rowSeconds };
  const result = { ...facts, figures, skipped, growth, profiles };
  await writeJson(options.json, result);
  if (options.docs !== undefined) await writeDocs(options.docs, result);
  bench.tell(`\nwritten: ${options.json}`);
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
