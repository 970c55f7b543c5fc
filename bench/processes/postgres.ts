import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chown, mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { ensurePostgresBinaries } from '../../tools/postgres/binaries.ts';
import { waitFor } from '../lib/clock.ts';
import type { DatabaseSection } from '../setting.ts';

const run = promisify(execFile);
const USER = 'postgres';
const PORT = 5432;

/** Ends the server when our pipe closes, which it does even if the bench is killed with -9, and deletes its folder. */
const KEEPER = `
dir=$1; shift
exec 3<&0
"$@" </dev/null 3<&- &
server=$!
( read -r _ <&3; kill -INT "$server"; while kill -0 "$server"; do sleep 0.1; done; rm -rf "$dir" ) 2>/dev/null &
exec 3<&-
wait "$server"
`;

/** As it is set when nobody sets anything, fsync included: what a commit costs is what is measured. Its socket is a file. */
export class Postgres {
  readonly #keeper: ChildProcess;
  readonly #socketDir: string;

  private constructor(keeper: ChildProcess, socketDir: string) {
    this.#keeper = keeper;
    this.#socketDir = socketDir;
  }

  static async start(): Promise<Postgres> {
    const { initdb, postgres, runAs } = await ensurePostgresBinaries();
    const dir = await mkdtemp(join(tmpdir(), 'dispatchoor-bench-pg-'));
    if (runAs !== undefined) await chown(dir, runAs.uid, runAs.gid);
    const data = join(dir, 'data');
    const initArgs = ['-D', data, '-U', USER, '--auth=trust', '-E', 'UTF8', '--locale=C'];
    await run(initdb, initArgs, { cwd: dir, ...runAs });
    const log = await open(join(dir, 'log'), 'a');
    const settings = ['listen_addresses=', 'max_connections=100'].flatMap((each) => ['-c', each]);
    const server = [postgres, '-D', data, '-k', dir, '-p', String(PORT)];
    const keeper = spawn('sh', ['-c', KEEPER, 'sh', dir, ...server, ...settings], {
      cwd: dir,
      detached: true,
      stdio: ['pipe', log.fd, log.fd],
      ...runAs,
    });
    await log.close();
    keeper.stdin?.on('error', () => undefined);
    const started = new Postgres(keeper, dir);
    await started.#untilReady();
    return started;
  }

  async createDatabase(name: string): Promise<DatabaseSection> {
    await this.query('postgres', async (client) => {
      await client.query(`create database ${client.escapeIdentifier(name)}`);
    });
    return {
      driver: 'postgres',
      // It trusts whoever reaches its socket; the server asks for a password all the same.
      postgres: {
        ...{ host: this.#socketDir, port: PORT, user: USER, database: name },
        password: 'not-asked-for',
      },
    };
  }

  async query<T>(database: string, use: (client: pg.Client) => Promise<T>): Promise<T> {
    const client = new pg.Client({ host: this.#socketDir, port: PORT, user: USER, database });
    client.on('error', () => undefined);
    try {
      await client.connect();
      return await use(client);
    } finally {
      await client.end();
    }
  }

  async stop(): Promise<void> {
    if (this.#keeper.exitCode !== null) return;
    const exited = once(this.#keeper, 'exit');
    this.#keeper.stdin?.end();
    await exited;
    await rm(this.#socketDir, { recursive: true, force: true });
  }

  async #untilReady(): Promise<void> {
    await waitFor('PostgreSQL starts', async () => {
      try {
        await this.query('postgres', (client) => client.query('select 1'));
        return true;
      } catch (cause) {
        if (this.#keeper.exitCode === null) return undefined;
        const log = await readFile(join(this.#socketDir, 'log'), 'utf8').catch(() => '(no log)');
        throw new Error(`PostgreSQL does not start:\n${log}`, { cause });
      }
    });
  }
}
