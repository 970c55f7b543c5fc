import { Worker } from 'node:worker_threads';
import type { Clock } from '../../lib/clock.ts';
import { FailureRow } from '../../lib/failure-row.ts';
import type { Logger } from '../../lib/logger.ts';
import type { CheckpointMode, CheckpointReply } from './checkpoint-worker.ts';

/** Under load each brings some ten pages. */
const WRITES_PER_CHECKPOINT = 64;

/** Of 4 KiB. Under load the log begins anew only where writers are held up for a moment: not too often. */
const LONG_LOG_PAGES = 16_000;

/** All it does is to run one statement. To read TypeScript takes ten of these, and a limit that is met ends the thread. */
const MEMORY = { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 2, stackSizeMb: 1 };

export interface CheckpointDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly startThread?: typeof startWorker;
}

/**
 * Brings what commits have put into the write-ahead log into the database file, in a thread of its own: that waits for
 * the disk for many milliseconds, and SQLite would do it inside some commit, with all requests waiting behind it.
 */
export class Checkpoints {
  readonly #path: string;
  readonly #failures: FailureRow;
  readonly #startThread: typeof startWorker;
  #writes = 0;
  #worker: Worker | undefined;
  #running: PromiseWithResolvers<void> | undefined;
  #mode: CheckpointMode = 'passive';
  #isLogLong = false;
  #isRestartDue = false;
  #isClosed = false;

  constructor(path: string, { clock, logger, startThread = startWorker }: CheckpointDeps) {
    this.#path = path;
    this.#startThread = startThread;
    this.#failures = new FailureRow(clock, (failure) => {
      logger.warn(failure, 'write-ahead log of the database not taken over; it grows');
    });
  }

  /**
   * Before each write, also one without events; costs nothing but every so often a message. Waits while the write would
   * be held up, and this thread with it.
   */
  async letWrite(): Promise<void> {
    this.#writes += 1;
    // Only here nobody writes: a restart amid a transaction would leave the log as it is.
    if (this.#isRestartDue) this.#run('restart');
    else if (this.#writes >= WRITES_PER_CHECKPOINT) this.#run('passive');
    if (this.#mode === 'restart') await this.#running?.promise;
  }

  /** One that is under way is waited for: it uses the file. */
  async close(): Promise<void> {
    this.#isClosed = true;
    // By now nothing else may keep the process, which would end before the rest is closed.
    this.#worker?.ref();
    await this.#running?.promise;
    await this.#worker?.terminate();
  }

  #run(mode: CheckpointMode): void {
    if (this.#running || this.#isClosed) return;
    this.#writes = 0;
    this.#isRestartDue = false;
    try {
      this.#worker ??= this.#start();
    } catch (error) {
      // No more threads for this process: that is no reason to fail the write.
      this.#failures.fail(error);
      return;
    }
    this.#mode = mode;
    this.#running = Promise.withResolvers();
    this.#worker.postMessage(mode);
  }

  #start(): Worker {
    const worker = this.#startThread(this.#path);
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
    // Once more in passing: what is left for the restart is what was written during this one.
    if (this.#isLogLong && wasLong) this.#isRestartDue = true;
    else if (this.#isLogLong) this.#run('passive');
  }

  #end(): void {
    this.#running?.resolve();
    this.#running = undefined;
    this.#mode = 'passive';
  }
}

function startWorker(path: string): Worker {
  return new Worker(new URL('./checkpoint-worker.ts', import.meta.url), {
    workerData: path,
    resourceLimits: MEMORY,
    // What the process was started with, such as a profiler or a probe, is meant for its main thread: here it would not
    // fit, and NODE_OPTIONS stands in the environment.
    execArgv: [],
    env: {},
  });
}
