import type { Bench } from '../bench.ts';
import { untilAllSettled } from '../lib/until-all-settled.ts';
import { drainQueue } from '../work-off.ts';

const ROW = 'correlation';
/** Six times what the slowest takes: the row ends, whatever the server does. */
const WITHIN_MS = 600_000;
const GHES = '3.20';

type Size = readonly [full: number, quick: number];

interface Way {
  readonly name: string;
  readonly isNameless: boolean;
  readonly ghes?: string;
  readonly jobs: Size;
  readonly runners: Size;
}

/** Few, as one after the other takes long. */
const onGhes = { ghes: GHES, jobs: [8, 4], runners: [4, 2] } as const;
const onGithub = { jobs: [150, 8], runners: [50, 4] } as const;

const ways: readonly Way[] = [
  { name: 'correlation_input', isNameless: false, ...onGithub },
  { name: 'none', isNameless: true, ...onGithub },
  { name: `GHES ${GHES}, correlation_input`, isNameless: false, ...onGhes },
  { name: `GHES ${GHES}, none`, isNameless: true, ...onGhes },
];

/**
 * What `correlation_input` is worth to jobs of one workflow that all have different inputs. Without it the next is sent
 * only when the run of the last is known: github.com's answer names it, that of GitHub Enterprise Server up to 3.20 does
 * not, and it has to be found. All ways at once, each with a forge of its own: they mostly wait.
 */
export async function measureCorrelation(bench: Bench): Promise<void> {
  if (!bench.has('SQLite')) return;
  await untilAllSettled(ways.map((way, i) => drain(bench, way, i)));
}

async function drain(bench: Bench, way: Way, index: number): Promise<void> {
  const { name, isNameless, ghes } = way;
  const jobs = bench.size(...way.jobs);
  const { ratio, calls, note } = await drainQueue(bench, {
    ...{ name: `${ROW}-${index}`, jobs, runners: bench.size(...way.runners) },
    ...{ jobMs: bench.size(10_000, 2_000), isNameless, withinMs: WITHIN_MS },
    ...{ isWebhookOn: true, intervals: { poll: '60s', track: '30s' } },
    ...(ghes !== undefined && { ghes }),
  });
  const shared = { row: ROW, on: 'SQLite', unit: '' };
  bench.add(
    { ...shared, name: `drain ÷ ideal, ${name}`, value: ratio, note },
    {
      ...{ ...shared, name: `forge calls per job, ${name}` },
      ...{ value: calls / jobs, note: `${calls} calls` },
    },
  );
}
