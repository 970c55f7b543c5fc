import { Worker } from 'node:worker_threads';
import type { Clock } from '../../lib/clock.ts';
import { FailureRow } from '../../lib/failure-row.ts';
import type { Logger } from '../../lib/logger.ts';
import type { CheckpointMode, CheckpointReply } from './checkpoint-worker.ts';

/** Under load each brings some ten pages. */
const COMMITS_PER_CHECKPOINT = 64;

/** Of 4 KiB. Under load the log begins anew only where writers are held up for a moment: not too often. */
const LONG_LOG_PAGES = 16_000;

/** All it does is to run one statement. */
const MEMORY = { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 2, stackSizeMb: 1 };

/**
 * Brings what commits have put into the write-ahead log into the database file, in a thread of its own: that waits for
 * the disk for many milliseconds, and SQLite would do it inside some commit, with all requests waiting behind it.
 */
export class Checkpoints {
  readonly #path: string;
  readonly #failures: FailureRow;
  #commits = 0;
  #worker: Worker | undefined;
  #running: PromiseWithResolvers<void> | undefined;
  #mode: CheckpointMode = 'passive';
  #isLogLong = false;
  #isClosed = false;

  constructor(path: string, { clock, logger }: { clock: Clock; logger: Logger }) {
    this.#path = path;
    this.#failures = new FailureRow(clock, (failure) => {
      logger.warn(failure, 'write-ahead log of the database not taken over; it grows');
    });
  }

  /** After each commit; costs nothing but every so often a message. */
  noteCommit(): void {
    this.#commits += 1;
    if (this.#commits < COMMITS_PER_CHECKPOINT || this.#running || this.#isClosed) return;
    this.#commits = 0;
    this.#run('passive');
  }

  /** Before each write: waits while it would be held up, and this thread with it. */
  async letWrite(): Promise<void> {
    if (this.#mode === 'restart') await this.#running?.promise;
  }

  /** One that is under way is waited for: it uses the file. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#running?.promise;
    await this.#worker?.terminate();
  }

  #run(mode: CheckpointMode): void {
    this.#mode = mode;
    this.#running = Promise.withResolvers();
    this.#worker ??= this.#start();
    this.#worker.postMessage(mode);
  }

  #start(): Worker {
    const worker = new Worker(new URL('./checkpoint-worker.ts', import.meta.url), {
      workerData: this.#path,
      resourceLimits: MEMORY,
      // What the process was started with, such as a profiler or a probe, is meant for its main thread.
      execArgv: [],
    });
    worker.unref();
    worker.on('message', (reply: CheckpointReply) => {
      this.#take(reply);
    });
    worker.on('error', (error) => {
      this.#failures.fail(error);
    });
    worker.on('exit', () => {
      this.#worker = undefined;
      this.#end();
    });
    return worker;
  }

  #take(reply: CheckpointReply): void {
    const mode = this.#mode;
    this.#end();
    if ('error' in reply) {
      this.#failures.fail(reply.error);
      return;
    }
    this.#failures.end();
    const wasLong = this.#isLogLong;
    this.#isLogLong = mode === 'passive' && reply.logPages >= LONG_LOG_PAGES;
    if (!this.#isLogLong || this.#isClosed) return;
    // Once more in passing: what is left for the restart is what was written during this one.
    this.#run(wasLong ? 'restart' : 'passive');
  }

  #end(): void {
    this.#running?.resolve();
    this.#running = undefined;
    this.#mode = 'passive';
  }
}
