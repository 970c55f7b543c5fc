import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chown, mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import pg from 'pg';
import { ensurePostgresBinaries } from '../../../../tools/postgres/binaries.ts';
import type { PostgresDatabase } from './postgres.testkit.ts';

const PROGRAM = ['/usr/sbin/pgbouncer', '/usr/bin/pgbouncer'].find((path) => existsSync(path));
const PORT = 6432;
const START_TIMEOUT_MS = 30_000;

export type PoolMode = 'session' | 'transaction' | 'statement';

export interface PgbouncerOptions {
  readonly mode: PoolMode;
  /** Connections to PostgreSQL; default: PgBouncer's own. */
  readonly poolSize?: number;
  readonly database: PostgresDatabase;
}

export interface Pgbouncer {
  /** As `database`, through the pooler. */
  readonly database: PostgresDatabase;
  stop(): Promise<void>;
}

/** Where it is not installed the test is left out, with the reason; in CI, which installs it, that is a failure. */
export function needPgbouncer(skip: (reason: string) => void): void {
  if (PROGRAM !== undefined) return;
  if ((process.env['CI'] ?? '') !== '') {
    throw new Error('pgbouncer is missing, which .ci/run installs: see its output');
  }
  skip('pgbouncer is not installed: apt-get install pgbouncer');
}

/** Ends the pooler when our pipe closes, which it does even if we are killed with -9. */
const keeper = `
exec 3<&0
"$@" </dev/null 3<&- &
pooler=$!
( read -r _ <&3; kill -TERM "$pooler" ) 2>/dev/null &
exec 3<&-
wait "$pooler"
`;

/** A real PgBouncer in front of a database, on a unix socket. Rejects with its log when it does not come up. */
export async function startPgbouncer(options: PgbouncerOptions): Promise<Pgbouncer> {
  const { runAs } = await ensurePostgresBinaries();
  const dir = await mkdtemp(join(tmpdir(), 'dispatchoor-pgbouncer-'));
  const config = join(dir, 'pgbouncer.ini');
  await writeFile(config, configOf(options, dir));
  // It does not run as root.
  if (runAs) await chown(dir, runAs.uid, runAs.gid);
  const log = await open(join(dir, 'log'), 'a');
  const child = spawn('sh', ['-c', keeper, 'sh', PROGRAM ?? 'pgbouncer', config], {
    cwd: dir,
    detached: true,
    stdio: ['pipe', log.fd, log.fd],
    ...runAs,
  });
  await log.close();
  child.stdin?.on('error', () => undefined);
  const exited = once(child, 'exit');
  const stop = async (): Promise<void> => {
    child.stdin?.end();
    await exited;
    await rm(dir, { recursive: true, force: true });
  };
  const database = { ...options.database, host: dir, port: PORT };
  try {
    await untilReady(database, () => child.exitCode !== null);
  } catch (cause) {
    const said = await readFile(join(dir, 'log'), 'utf8');
    await stop();
    throw new Error(`pgbouncer does not start:\n${said}`, { cause });
  }
  return { database, stop };
}

function configOf({ mode, poolSize, database }: PgbouncerOptions, dir: string): string {
  const { host, port, user } = database;
  return [
    '[databases]',
    `* = host=${host} port=${port} user=${user}`,
    '[pgbouncer]',
    `unix_socket_dir = ${dir}`,
    `listen_port = ${PORT}`,
    // Nobody but who may read the folder gets there.
    'auth_type = any',
    `pool_mode = ${mode}`,
    ...(poolSize === undefined ? [] : [`default_pool_size = ${poolSize}`]),
    'max_client_conn = 200',
    '',
  ].join('\n');
}

async function untilReady(
  { host, port, user, database }: PostgresDatabase,
  hasEnded: () => boolean,
): Promise<void> {
  const giveUpAt = performance.now() + START_TIMEOUT_MS;
  for (;;) {
    const client = new pg.Client({ host, port, user, database });
    client.on('error', () => undefined);
    try {
      await client.connect();
      await client.query('select 1');
      return;
    } catch (error) {
      if (hasEnded() || performance.now() > giveUpAt) throw error;
      await wait(20);
    } finally {
      await client.end().catch(() => undefined);
    }
  }
}
