import { execFile } from 'node:child_process';
import { closeSync, constants, openSync, readSync, writeSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it, type TestContext } from 'vitest';
import { until } from './harness/until.ts';
import { LogServer } from './processes/log-server.ts';

type Finish = Pick<TestContext, 'onTestFinished'>;

const { O_NONBLOCK, O_RDONLY, O_WRONLY } = constants;
/** Whole servers start here, and one writes thousands of lines: a busy machine needs minutes, a hang still ends. */
const SLOW = { timeout: 240_000 };
const GIVE_UP_AFTER_MS = 120_000;
const ENDED_WELL = { code: 0, signal: null };

async function makeFolder({ onTestFinished }: Finish): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'dispatchoor-log-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  return folder;
}

/** A pipe with a name, so that a reader can leave it and another one come. */
class NamedPipe {
  readonly #path: string;
  #reader = -1;
  #writer = -1;

  private constructor(path: string) {
    this.#path = path;
  }

  static async make(folder: string, { onTestFinished }: Finish): Promise<NamedPipe> {
    const pipe = new NamedPipe(join(folder, 'log'));
    await promisify(execFile)('mkfifo', [pipe.#path]);
    pipe.openReader();
    pipe.#writer = openSync(pipe.#path, O_WRONLY | O_NONBLOCK);
    onTestFinished(() => {
      pipe.closeReader();
      pipe.closeWriter();
    });
    return pipe;
  }

  /** For the server; the test keeps it until `closeWriter`. */
  get writer(): number {
    return this.#writer;
  }

  openReader(): void {
    this.#reader = openSync(this.#path, O_RDONLY | O_NONBLOCK);
  }

  closeReader(): void {
    if (this.#reader >= 0) closeSync(this.#reader);
    this.#reader = -1;
  }

  closeWriter(): void {
    if (this.#writer >= 0) closeSync(this.#writer);
    this.#writer = -1;
  }

  /** Until it takes no byte more. */
  fill(): void {
    for (const size of [4_096, 1]) {
      while (tried(() => writeSync(this.#writer, `${'-'.repeat(size - 1)}\n`)) !== undefined);
    }
  }

  /** All that is in it now. */
  read(): string {
    const chunk = Buffer.alloc(65_536);
    let text = '';
    for (;;) {
      const bytes = tried(() => readSync(this.#reader, chunk)) ?? 0;
      if (bytes === 0) return text;
      text += chunk.toString('utf8', 0, bytes);
    }
  }

  /** Reads on until `sign` has come. */
  async readUntil(sign: string): Promise<string> {
    let text = '';
    await until(
      () => (text += this.read()),
      (seen) => seen.includes(sign),
      { what: `the log says ${sign}`, timeoutMs: GIVE_UP_AFTER_MS },
    );
    return text;
  }
}

/** undefined: not now, it would have to wait. */
function tried(act: () => number): number | undefined {
  try {
    return act();
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EAGAIN') return undefined;
    throw error;
  }
}

describe.each(['text', 'json'] as const)('with a log as %s', SLOW, (format) => {
  it('a full log disk ends and freezes nothing: jobs run, and a stop is graceful', async (context) => {
    const folder = await makeFolder(context);
    const stdout = openSync('/dev/full', 'w');
    context.onTestFinished(() => {
      closeSync(stdout);
    });
    const server = await LogServer.start({ folder, format, stdout }, context);
    await server.runsAJob();
    expect(await server.end('SIGTERM')).toEqual(ENDED_WELL);
  });

  it('a reader that is gone, as after Ctrl-C in a pipeline, is waited for, and no stop fails', async (context) => {
    const folder = await makeFolder(context);
    const pipe = await NamedPipe.make(folder, context);
    const server = await LogServer.start({ folder, format, stdout: pipe.writer }, context);
    pipe.closeWriter();
    await pipe.readUntil('listening');
    pipe.closeReader();
    await server.runsAJob();
    pipe.openReader();
    const text = await pipe.readUntil('the log could not be written for a while');
    expect(text).toMatch(/job added[^]*EPIPE/);
    pipe.closeReader();
    expect(await server.end('SIGINT')).toEqual(ENDED_WELL);
  });
});

it('a reader that stands still stops nothing, and reads on where it was', SLOW, async (context) => {
  const folder = await makeFolder(context);
  const pipe = await NamedPipe.make(folder, context);
  pipe.fill();
  const server = await LogServer.start({ folder, format: 'json', stdout: pipe.writer }, context);
  await server.runsAJob();
  const text = await pipe.readUntil('listening');
  expect(text).toMatch(/^-+\n/);
  pipe.fill();
  expect(await server.end('SIGTERM')).toEqual(ENDED_WELL);
});

it(
  'a socket that nobody reads stops nothing; what does not fit is counted',
  SLOW,
  async (context) => {
    const folder = await makeFolder(context);
    const server = await LogServer.start({ folder, format: 'text', stdout: 'pipe' }, context);
    const lost = async (): Promise<number> => {
      await server.fillLog(100);
      const { text } = await server.api.ask('/metrics');
      return Number(/^dispatchoor_log_lines_lost_total (\d+)$/m.exec(text)?.[1]);
    };
    await until(lost, (lines) => lines > 0, {
      what: 'lines are lost',
      timeoutMs: GIVE_UP_AFTER_MS,
    });
    await server.runsAJob();
    expect(await server.end('SIGTERM')).toEqual(ENDED_WELL);
  },
);
