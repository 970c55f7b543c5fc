import { ServerAway, type ServerClient } from '@dispatchoor/testbed';
import { type EnqueueOptions, keepBacklog } from './load/enqueue.ts';
import type { JobBook } from './load/job-book.ts';
import type { DemoProcesses } from './processes.ts';
import { takeSnapshot } from './views/snapshot.ts';
import type { DemoView } from './views/view.ts';

const CHECK_EVERY_MS = 500;
/** Longer than any job and its way through the queue: something hangs. */
const STALLED_AFTER_MS = 90_000;
/** What a kill left open in the middle of a dispatch takes minutes to settle, and nothing else may be left by then. */
const STALLED_AFTER_KILL_MS = 240_000;

export interface PlayOptions extends Omit<EnqueueOptions, 'signal' | 'limit'> {
  readonly processes: DemoProcesses;
  readonly view: DemoView;
  /** End after so many jobs; undefined: never. */
  readonly jobs: number | undefined;
  /** ms after the start. */
  readonly killMoments: readonly number[];
  /** Asked to end. */
  readonly signal: AbortSignal;
}

/**
 * Runs the load until all of its jobs have ended, nothing moves any more, or it is asked to end. Rejects when a
 * child process ends by itself.
 *
 * @returns how often the server was killed
 */
export async function play(options: PlayOptions): Promise<number> {
  const end = new AbortController();
  const signal = AbortSignal.any([options.signal, end.signal]);
  const limit = options.jobs ?? Infinity;
  const killing = killServer(options, signal);
  const work = Promise.all([
    keepBacklog({ ...options, limit, signal }),
    watch(options, signal),
    killing,
  ]);
  try {
    await Promise.race([options.processes.failure, work, watchEnd(options, signal)]);
  } finally {
    end.abort();
    await Promise.allSettled([work]);
  }
  return killing;
}

async function watchEnd(options: PlayOptions, signal: AbortSignal): Promise<void> {
  const { book, jobs = Infinity, clock, view, killMoments } = options;
  const patienceMs = killMoments.length > 0 ? STALLED_AFTER_KILL_MS : STALLED_AFTER_MS;
  while (!signal.aborted && book.ended < jobs) {
    if (isStalled(options, patienceMs)) {
      view.print(`FAILED: no job has ended for ${patienceMs / 1_000} s, giving up`);
      return;
    }
    await clock.sleep(100, signal);
  }
}

function isStalled({ book, jobs, clock }: PlayOptions, patienceMs: number): boolean {
  if (jobs === undefined || book.lastEndAt === 0) return false;
  return clock.now() - book.lastEndAt > patienceMs;
}

async function watch({ api, book, view, clock }: PlayOptions, signal: AbortSignal): Promise<void> {
  let awaySince: number | undefined;
  while (!signal.aborted) {
    const startedAt = clock.now();
    try {
      await checkOnce(api, book, view, startedAt);
      if (awaySince !== undefined) {
        view.print(`the server answers again, after ${clock.now() - awaySince} ms`);
      }
      awaySince = undefined;
    } catch (error) {
      if (!(error instanceof ServerAway)) throw error;
      if (awaySince === undefined) view.print(`the server does not answer: ${error.message}`);
      awaySince ??= startedAt;
    }
    await clock.sleep(Math.max(0, CHECK_EVERY_MS - (clock.now() - startedAt)), signal);
  }
}

async function checkOnce(
  api: ServerClient,
  book: JobBook,
  view: DemoView,
  now: number,
): Promise<void> {
  const { snapshot, stories } = await takeSnapshot(api, book, now);
  for (const story of stories) view.print(story);
  view.show(snapshot);
}

async function killServer(options: PlayOptions, signal: AbortSignal): Promise<number> {
  const { killMoments, processes, view, clock } = options;
  const startedAt = clock.monotonic();
  let kills = 0;
  for (const moment of killMoments) {
    await clock.sleep(Math.max(0, startedAt + moment - clock.monotonic()), signal);
    if (signal.aborted) break;
    await processes.killServer();
    kills += 1;
    view.print(`the server was killed (${kills} of ${killMoments.length}) and started again`);
  }
  return kills;
}
