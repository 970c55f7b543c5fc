import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { chown, mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';
import pg from 'pg';
import {
  ensurePostgresBinaries,
  type PostgresBinaries,
} from '../../../../tools/postgres/binaries.ts';

const run = promisify(execFile);

/** Where a test server listens: a unix socket only, so two runs never fight for a port. */
export interface PostgresFacts {
  readonly socketDir: string;
  readonly port: number;
  readonly user: string;
}

export interface PostgresDatabase {
  /** The folder of the socket; drivers take it for a host. */
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly database: string;
  readonly url: string;
}

export interface PostgresServer extends PostgresFacts {
  createDatabase(options?: CreateDatabaseOptions): Promise<PostgresDatabase>;
  /** Ends the server and deletes its data. */
  stop(): Promise<void>;
  /**
   * Until the next `restart`, which keeps data, socket and port. `shutdown` breaks all connections off; `crash` ends
   * it like a power cut of the process: no checkpoint, recovery at the next start.
   */
  halt(how?: 'shutdown' | 'crash'): Promise<void>;
  /** Halts it first if it still runs. */
  restart(how?: 'shutdown' | 'crash'): Promise<void>;
}

export interface CreateDatabaseOptions {
  /** A database to copy, about 35 ms. Nobody may be connected to it meanwhile. */
  readonly template?: string;
}

declare module 'vitest' {
  interface ProvidedContext {
    /** The one server of this run; see createDatabase(). */
    postgres: PostgresFacts;
  }
}

const user = 'postgres';
const port = 5432;
const startTimeoutMs = 120_000;

// fsync is off because nothing here survives a power cut anyway. synchronous_commit stays on: it decides when a
// commit is reported, which is what the races are about.
const settings: Readonly<Record<string, string>> = {
  listen_addresses: '',
  max_connections: '200',
  fsync: 'off',
  full_page_writes: 'off',
  synchronous_commit: 'on',
  log_min_messages: 'warning',
  log_line_prefix: '%m [%p] %d ',
};

/**
 * Runs the server as a child and ends it when our pipe closes, which it does even if we are killed with -9.
 * A line on the pipe is a signal to pass on. The first argument is the folder to delete when we are gone.
 */
const keeper = `
dir=$1; shift
exec 3<&0
"$@" </dev/null 3<&- &
server=$!
(
  if read -r signal <&3; then
    kill -"$signal" "$server"
  else
    kill -QUIT "$server"
    while kill -0 "$server"; do sleep 0.1; done
    rm -rf "$dir"
  fi
) 2>/dev/null &
exec 3<&-
wait "$server"
`;

/** Starts a real PostgreSQL on an empty data folder. Rejects with the server's log when it does not come up. */
export async function startPostgres(): Promise<PostgresServer> {
  const binaries = await ensurePostgresBinaries();
  const dir = await mkdtemp(join(tmpdir(), 'dispatchoor-pg-'));
  if (binaries.runAs) await chown(dir, binaries.runAs.uid, binaries.runAs.gid);
  await createDataFolder(binaries, dir);
  const facts: PostgresFacts = { socketDir: dir, port, user };
  let running = await launch(binaries, facts);
  const halt: PostgresServer['halt'] = (how = 'shutdown') =>
    end(running, how === 'crash' ? 'QUIT' : 'INT');
  return {
    ...facts,
    createDatabase: (options) => createDatabase(facts, options),
    stop: async () => {
      await end(running, 'INT');
      await rm(dir, { recursive: true, force: true });
    },
    halt,
    restart: async (how) => {
      await halt(how);
      running = await launch(binaries, facts);
    },
  };
}

/** A database of its own for one suite, empty or a copy of `template`. */
export async function createDatabase(
  facts: PostgresFacts,
  options: CreateDatabaseOptions = {},
): Promise<PostgresDatabase> {
  const database = `test_${randomUUID().replaceAll('-', '')}`;
  const from = options.template ?? 'template0';
  await withClient(facts, async (client) => {
    await client.query(
      `create database ${client.escapeIdentifier(database)} template ${client.escapeIdentifier(from)}`,
    );
  });
  const { socketDir: host } = facts;
  const url = `postgresql://${facts.user}@/${database}?host=${encodeURIComponent(host)}&port=${String(facts.port)}`;
  return { host, port: facts.port, user: facts.user, database, url };
}

async function createDataFolder(binaries: PostgresBinaries, dir: string): Promise<void> {
  const args = ['-D', join(dir, 'data'), '-U', user, '--auth=trust', '-E', 'UTF8', '--locale=C'];
  await run(binaries.initdb, [...args, '--no-sync', '--no-instructions'], {
    cwd: dir,
    ...binaries.runAs,
  });
}

async function launch(binaries: PostgresBinaries, facts: PostgresFacts): Promise<ChildProcess> {
  const { socketDir: dir } = facts;
  const options = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const server = [binaries.postgres, '-D', join(dir, 'data'), '-k', dir, '-p', String(facts.port)];
  const log = await open(join(dir, 'log'), 'a');
  const child = spawn('sh', ['-c', keeper, 'sh', dir, ...server, ...options], {
    cwd: dir,
    // A group of its own: Ctrl-C in the terminal must reach the tests first.
    detached: true,
    stdio: ['pipe', log.fd, log.fd],
    ...binaries.runAs,
  });
  await log.close();
  // Writing to a server that has just died is not news: its exit is.
  child.stdin?.on('error', () => undefined);
  await untilReady(child, facts);
  return child;
}

async function untilReady(child: ChildProcess, facts: PostgresFacts): Promise<void> {
  const giveUpAt = performance.now() + startTimeoutMs;
  for (;;) {
    try {
      await withClient(facts, (client) => client.query('select 1'));
      return;
    } catch (cause) {
      if (child.exitCode !== null || performance.now() > giveUpAt) {
        const log = await readFile(join(facts.socketDir, 'log'), 'utf8').catch(() => '(no log)');
        child.stdin?.destroy();
        throw new Error(`PostgreSQL does not start:\n${log}`, { cause });
      }
      await wait(20);
    }
  }
}

async function end(child: ChildProcess, signal: 'INT' | 'QUIT'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.stdin?.write(`${signal}\n`);
  await exited;
}

async function withClient(
  facts: PostgresFacts,
  use: (client: pg.Client) => Promise<unknown>,
): Promise<void> {
  const client = new pg.Client({
    host: facts.socketDir,
    port: facts.port,
    user: facts.user,
    database: 'postgres',
  });
  // A server that is stopped under us breaks idle connections too; the pending query reports it.
  client.on('error', () => undefined);
  try {
    await client.connect();
    await use(client);
  } finally {
    await client.end();
  }
}
