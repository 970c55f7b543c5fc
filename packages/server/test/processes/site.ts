import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Job, JobStatus } from '@dispatchoor/api-contract';
import {
  type ForgeSim,
  type Ledger,
  type LedgerRequest,
  type LedgerRun,
  type World as SimWorld,
  startForgeSim,
} from '@dispatchoor/forge-sim';
import { expect } from 'vitest';
import type { TestDatabase } from '../../src/store/databases.testkit.ts';
import type { StoreConfig } from '../../src/store/open-store.ts';
import { Api } from '../harness/api.ts';
import { ADMIN_PASSWORD, type ConfigKeys, makeConfig, merge } from '../harness/config-file.ts';
import { acme, BOT, BY_HAND, namedGroups, TOKEN } from '../harness/fixtures.ts';
import { type UntilOptions, until } from '../harness/until.ts';
import { listAttempts } from './rows.ts';
import { ServerProcess, type ServerStart } from './server-process.ts';

/** A dead server's leases last 10 s on PostgreSQL, an attempt takes 3 s to be given up, and the machine is busy. */
const GIVE_UP_AFTER_MS = 150_000;

/** Of what is shown when something was waited for in vain. */
const REQUESTS_SHOWN = 10;
const LINES_SHOWN = 30;

/**
 * As short as a busy machine allows: each test waits for some of these to pass, and none may pass too early. Many
 * servers run at a time here, so they look around less often than a single one would.
 */
const SHORT_WAITS: ConfigKeys = {
  github: { poll_interval: '200ms', request_timeout: '3s' },
  dispatcher: {
    interval: '200ms',
    tracking_interval: '150ms',
    send_deadline: '5s',
    run_lookup_timeout: '10s',
  },
};

export interface SiteOptions {
  readonly database: TestDatabase;
  /** Default: one organisation, workflow and runner. */
  readonly forge?: SimWorld;
  /** Default: one whose runs are known by their attempt's name. */
  readonly groups?: ConfigKeys;
  /** Of all jobs; default `build`. */
  readonly templateId?: string;
  /** Of all servers, laid over `SHORT_WAITS`. */
  readonly config?: ConfigKeys;
  /** How long anything is waited for, and how long the queue may stand still; default: 150 s. */
  readonly giveUpAfterMs?: number;
}

export interface StartOptions extends Pick<ServerStart, 'dieAt' | 'adds' | 'env'> {
  /** Whether it dispatches; default true. */
  readonly isDispatcher?: boolean;
  /** Of this server only, laid over the site's. */
  readonly config?: ConfigKeys;
  /** Where this server finds the database, such as a proxy; default: where it is. */
  readonly database?: StoreConfig;
  /** Where this server finds the forge, such as a proxy; default: where it is. */
  readonly forgeUrl?: string;
}

/** What ends what was begun in it: a test, or a part of one. */
export interface Scope {
  readonly onTestFinished: (cleanup: () => Promise<void> | void) => void;
  /** Of what the forge draws; default: always the same. */
  readonly seed?: number;
}

/** A forge and a database that outlive the servers on them. All of it ends with the test. */
export class Site {
  readonly sim: ForgeSim;
  readonly api: Api;
  readonly database: StoreConfig;
  readonly giveUpAfterMs: number;
  readonly #options: SiteOptions;
  readonly #folder: string;
  readonly #servers: ServerProcess[] = [];
  #lastServer = 0;
  #asked: ServerProcess | undefined;

  private constructor(options: SiteOptions, sim: ForgeSim, database: StoreConfig, folder: string) {
    this.#options = options;
    this.sim = sim;
    this.database = database;
    this.giveUpAfterMs = options.giveUpAfterMs ?? GIVE_UP_AFTER_MS;
    this.#folder = folder;
    this.api = new Api(() => this.#asked?.url ?? '');
  }

  static async open(options: SiteOptions, { onTestFinished, seed = 1 }: Scope): Promise<Site> {
    const folder = await mkdtemp(join(tmpdir(), 'dispatchoor-site-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const { config, remove } = await options.database.create();
    onTestFinished(remove);
    const sim = await startForgeSim({ seed });
    onTestFinished(() => sim.close());
    sim.seed(options.forge ?? acme());
    const site = new Site(options, sim, config, folder);
    onTestFinished(() => site.#close());
    return site;
  }

  /** A process that may not come up. */
  async spawn(options: StartOptions = {}): Promise<ServerProcess> {
    this.#lastServer += 1;
    const name = `server-${this.#lastServer}`;
    const folder = join(this.#folder, name);
    await mkdir(folder);
    const { forgeUrl: baseUrl = this.sim.url, database = this.database } = options;
    const { dieAt, adds, env } = options;
    const overrides = this.#configOf(options);
    await makeConfig({ folder, baseUrl, database, overrides });
    const server = new ServerProcess({
      name,
      folder,
      ...(dieAt && { dieAt }),
      ...(adds && { adds }),
      ...(env && { env }),
    });
    this.#servers.push(server);
    return server;
  }

  /** Resolves when it listens; from then on it is the one that is asked. The session stays. */
  async start(options?: StartOptions): Promise<ServerProcess> {
    const server = await this.spawn(options);
    await this.attend(server);
    return server;
  }

  /** Until it listens, and is asked from then on. */
  async attend(server: ServerProcess): Promise<void> {
    await server.listening();
    this.ask(server);
    if (this.api.tokens.length === 0) await this.api.login('admin', ADMIN_PASSWORD);
  }

  ask(server: ServerProcess): void {
    this.#asked = server;
  }

  /** In this order. Each job's run bears its note in the ledger. */
  async enqueue(notes: readonly string[], inputs: Job['inputs'] = {}): Promise<Job[]> {
    const jobs: Job[] = [];
    const { templateId = 'build' } = this.#options;
    for (const note of notes) {
      const job = { template_id: templateId, inputs: { ...inputs, note } };
      jobs.push(await this.api.enqueue('linux', job));
    }
    return jobs;
  }

  job(id: string, status: JobStatus): Promise<Job> {
    return this.until(
      `job ${status}`,
      () => this.api.job(id),
      (job) => job.status === status,
    );
  }

  until<T>(
    what: string,
    read: () => Promise<T>,
    holds: (seen: T) => boolean,
    { isWork = false }: Pick<UntilOptions, 'isWork'> = {},
  ): Promise<T> {
    const rateLimits = () => this.sim.rateLimits();
    const options = { what, timeoutMs: this.giveUpAfterMs, isWork, rateLimits };
    return until(read, holds, options).catch(async (error: unknown) => {
      throw new Error(`${String(error)}; ${await this.#whatIsKnown()}`, { cause: error });
    });
  }

  /** For whoever has to find out why nothing goes on: what each side holds to be true, and what was logged last. */
  async #whatIsKnown(): Promise<string> {
    const known = {
      why: await this.#ask(async () => {
        const [first] = await this.api.queue('linux');
        return first === undefined ? 'no job waits' : this.api.why(first.id);
      }),
      runners: await this.#ask(() => this.api.runners()),
      attempts: await this.#ask(() => listAttempts(this.database)),
      forgeRunners: this.sim.ledger().runners.map(({ name, busySpans }) => ({ name, busySpans })),
      requests: this.sim.ledger().requests.slice(-REQUESTS_SHOWN),
      log: this.#servers.flatMap(({ logLines }) => logLines.slice(-LINES_SHOWN)),
    };
    return JSON.stringify(known, null, 1);
  }

  async #ask(read: () => Promise<unknown>): Promise<unknown> {
    return read().catch((error: unknown) => `nobody can say: ${String(error)}`);
  }

  /** The whole history, once nothing waits or runs any more. */
  async allEnded(): Promise<Job[]> {
    await this.until(
      'no job is left in the queue',
      () => this.api.queue('linux'),
      (queue) => queue.length === 0,
      { isWork: true },
    );
    return this.api.wholeHistory('linux');
  }

  /** Until the forge has so many runs of ours. */
  runs(count: number): Promise<void> {
    return this.sim.wait(({ runs }) => runs.length >= count, { timeoutMs: this.giveUpAfterMs });
  }

  allRunsEnded(): Promise<void> {
    const haveEnded = ({ runs }: Pick<Ledger, 'runs'>): boolean =>
      runs.every(({ conclusion }) => conclusion !== null);
    return this.sim.wait(haveEnded, { timeoutMs: this.giveUpAfterMs });
  }

  /** Whoever is taken for busy for good gets no job any more, and nothing else shows it where there are others. */
  async runnersAreShownAsTheyAre(): Promise<void> {
    const isBusy = (name: string): boolean => {
      const spans = this.sim.ledger().runners.filter((one) => one.name === name);
      return spans.some(({ busySpans }) => busySpans.some(({ to }) => to === undefined));
    };
    await this.until(
      'each runner is shown as it is',
      () => this.api.runners(),
      (runners) => runners.every(({ name, busy }) => busy === isBusy(name)),
    );
  }

  dispatches(): LedgerRequest[] {
    return this.sim.ledger().requests.filter(({ endpoint }) => endpoint === 'dispatch');
  }

  /** Started with our token, and not by hand. */
  ourRuns(): LedgerRun[] {
    const { runs } = this.sim.ledger();
    return runs.filter(({ actor, inputs }) => actor === BOT && inputs['note'] !== BY_HAND);
  }

  /** Lines of the servers' logs that hold a password or token. */
  leaks(): string[] {
    const secrets = [TOKEN, ADMIN_PASSWORD, ...this.api.tokens];
    const lines = this.#servers.flatMap(({ logLines }) => logLines);
    return lines.filter((line) => secrets.some((secret) => line.includes(secret)));
  }

  #configOf({ isDispatcher = true, config = {} }: StartOptions): ConfigKeys {
    const { groups = namedGroups, config: shared = {} } = this.#options;
    const own = { dispatcher: { enabled: isDispatcher }, groups };
    return [own, shared, config].reduce<ConfigKeys>(merge, SHORT_WAITS);
  }

  async #close(): Promise<void> {
    await Promise.all(this.#servers.map((server) => server.kill('SIGKILL')));
    expect(this.leaks(), 'a secret is in a log').toEqual([]);
  }
}
