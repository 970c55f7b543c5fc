import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Child, type ChildExit } from '@dispatchoor/testbed';
import type { Migration } from '../../src/store/migrations/migration.ts';
import type { KillWindow } from './kill-window.ts';

const PROGRAM = fileURLToPath(import.meta.resolve('../../bin/dispatchoor.js'));
const NEWER = fileURLToPath(import.meta.resolve('./newer-server.ts'));
const KILLABLE = fileURLToPath(import.meta.resolve('./killable-server.ts'));
/** Dozens of servers start here, and most of a start is compiling: once is enough. */
export const COMPILE_CACHE = join(
  import.meta.dirname,
  '../../../../node_modules/.cache/dispatchoor-test-servers',
);

export interface ServerStart {
  readonly name: string;
  /** Holds `config.yaml`, and takes the log. */
  readonly folder: string;
  /** Kills itself when it gets here, the `hit`-th time; default 1. */
  readonly dieAt?: { readonly window: KillWindow; readonly hit?: number };
  /** It is the version after this one, whose last migrations are of these kinds. */
  readonly adds?: readonly Migration['kind'][];
  /** Of the process, besides what every one of them has. */
  readonly env?: Readonly<Record<string, string>>;
}

interface Waiter {
  readonly message: string;
  readonly resolve: (line: LogLine) => void;
}

interface LogLine {
  readonly msg: string;
  readonly [key: string]: unknown;
}

/** The server as an operator runs it: a process of its own, of which only its log, its signals and its HTTP are known. */
export class ServerProcess {
  readonly name: string;
  readonly logLines: string[] = [];
  readonly exited: Promise<ChildExit>;
  readonly #child: Child;
  readonly #waiters = new Set<Waiter>();
  #url: string | undefined;

  constructor(start: ServerStart) {
    const { name, folder, env } = start;
    this.name = name;
    this.#child = new Child({
      name,
      args: argsOf(start),
      cwd: folder,
      env: { NODE_COMPILE_CACHE: COMPILE_CACHE, ...env },
      logFile: join(folder, 'server.log'),
      onLine: (line) => this.#take(line),
    });
    this.exited = this.#child.exited;
  }

  get pid(): number {
    return this.#child.pid;
  }

  get url(): string {
    if (this.#url === undefined) throw new Error(`${this.name} does not listen`);
    return this.#url;
  }

  /** Rejects, with what it said last, when it ends instead. */
  async listening(): Promise<this> {
    const { url } = await this.says('listening');
    this.#url = String(url);
    return this;
  }

  /** Resolves with the first log line that has this message, be it long past; rejects when it ends without. */
  async says(message: string): Promise<LogLine> {
    const { promise, resolve } = Promise.withResolvers<LogLine>();
    const waiter = { message, resolve };
    this.#waiters.add(waiter);
    for (const line of this.logLines) tell(waiter, line);
    const ended = this.exited.then(({ code, signal }) => {
      const lines = [`${this.name} has ended (${signal ?? code}) without "${message}":`];
      throw new Error([...lines, ...this.#child.lastLines].join('\n'));
    });
    try {
      return await Promise.race([promise, ended]);
    } finally {
      this.#waiters.delete(waiter);
    }
  }

  kill(signal: NodeJS.Signals): Promise<ChildExit> {
    this.#child.kill(signal);
    return this.exited;
  }

  #take(line: string): void {
    this.logLines.push(line);
    for (const waiter of this.#waiters) tell(waiter, line);
  }
}

function argsOf({ folder, dieAt, adds }: ServerStart): string[] {
  const config = join(folder, 'config.yaml');
  if (dieAt !== undefined) return [KILLABLE, config, dieAt.window, String(dieAt.hit ?? 1)];
  if (adds !== undefined) return [NEWER, config, ...adds];
  const logs = ['--log-format', 'json', '--log-level', 'debug'];
  return [PROGRAM, ...logs, 'server', '--config', config];
}

function tell({ message, resolve }: Waiter, line: string): void {
  const said = parseLine(line);
  if (said?.msg === message) resolve(said);
}

/** `undefined`: a line of Node's, or a failure to start, which is plain text. */
function parseLine(line: string): LogLine | undefined {
  return line.startsWith('{') ? (JSON.parse(line) as LogLine) : undefined;
}
