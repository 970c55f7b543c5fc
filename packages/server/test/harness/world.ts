import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Job, JobStatus } from '@dispatchoor/api-contract';
import {
  type ForgeSim,
  type ForgeSimOptions,
  type Ledger,
  type LedgerRun,
  type World as SimWorld,
  startForgeSim,
} from '@dispatchoor/forge-sim';
import { type App, type AppDeps, startApp } from '../../src/app.ts';
import type { Config } from '../../src/config/config.ts';
import { makeLogger } from '../../src/lib/logger.ts';
import { databases, type TestDatabase } from '../../src/store/databases.testkit.ts';
import type { StoreConfig } from '../../src/store/open-store.ts';
import type { Store } from '../../src/store/port/store.ts';
import { Api } from './api.ts';
import { ADMIN_PASSWORD, type ConfigKeys, loadText, makeConfig } from './config-file.ts';
import { acme, BOT, BY_HAND, RENAMED_BOT } from './fixtures.ts';
import { MovableClock } from './movable-clock.ts';
import { type Subscribe, type UntilOptions, until } from './until.ts';

export { databases } from '../../src/store/databases.testkit.ts';

/** For what no database can make a difference to. */
export const [sqlite] = databases as [TestDatabase, ...TestDatabase[]];

export interface Exceptions {
  /** Runs whose job was deleted, had ended, or had gone on without them before they became known. */
  readonly hiddenRuns?: number;
  /** Of them those that no attempt has: whose they are could not be told. */
  readonly ambiguousRuns?: number;
}

export interface WorldOptions {
  readonly database: TestDatabase;
  /** What is on the forge; default: one organisation, workflow and runner. */
  readonly forge?: SimWorld;
  readonly sim?: ForgeSimOptions;
  /** Laid over a configuration in which everything is quick. */
  readonly config?: ConfigKeys;
  /** The whole file instead. */
  readonly configText?: {
    readonly text: (baseUrl: string) => string;
    readonly env: Readonly<Record<string, string>>;
    readonly password: string;
  };
  readonly wrapForge?: NonNullable<AppDeps['wrap']>['forge'];
  /** Before the server starts. */
  readonly prepare?: (sim: ForgeSim) => void;
  /** What the rules that hold for every world do not cover here. */
  readonly exceptions?: Exceptions;
}

/** More than the default of `github.poll_interval` and a limit together, less than what makes runners stale. */
const LISTED_WITHIN_MS = 150_000;

/** Shorter than whatever the default waits wait for. */
const STEP_MS = 5_000;
/** In vain for a request to be answered: whoever made it may have gone. */
const MOST_LOOKS = 100;

type LoadConfig = (keys?: ConfigKeys) => Promise<Config>;

export class World {
  readonly sim: ForgeSim;
  readonly clock = new MovableClock();
  readonly api: Api;
  readonly logLines: string[] = [];
  readonly #options: WorldOptions;
  readonly #loadConfig: LoadConfig;
  readonly #release: () => Promise<void>;
  #app: App | undefined;
  #store: Store | undefined;

  private constructor(
    options: WorldOptions,
    sim: ForgeSim,
    loadConfig: LoadConfig,
    release: () => Promise<void>,
  ) {
    this.#options = options;
    this.sim = sim;
    this.#loadConfig = loadConfig;
    this.#release = release;
    this.api = new Api(() => this.#running().url);
  }

  static async start(options: WorldOptions): Promise<World> {
    const folder = await mkdtemp(join(tmpdir(), 'dispatchoor-e2e-'));
    const database = await options.database.create();
    const sim = await startForgeSim(options.sim);
    const release = async (): Promise<void> => {
      await sim.close();
      await database.remove();
      await rm(folder, { recursive: true });
    };
    sim.seed(options.forge ?? acme());
    options.prepare?.(sim);
    try {
      const loadConfig: LoadConfig = (keys) => {
        const changed = keys === undefined ? options : { ...options, config: keys };
        return configOf(changed, folder, sim, database.config);
      };
      const world = new World(options, sim, loadConfig, release);
      await world.#startApp();
      return world;
    } catch (error) {
      await release();
      throw error;
    }
  }

  get store(): Store {
    if (this.#store === undefined) throw new Error('the server does not run');
    return this.#store;
  }

  get url(): string {
    return this.#running().url;
  }

  get isRunning(): boolean {
    return this.#app !== undefined;
  }

  get exceptions(): Exceptions {
    return this.#options.exceptions ?? {};
  }

  async login(): Promise<void> {
    await this.api.login('admin', this.#options.configText?.password ?? ADMIN_PASSWORD);
  }

  /** On the same database; the session goes on. @param config instead of what the world was started with */
  async restart(config?: ConfigKeys): Promise<void> {
    await this.#running().close();
    this.#app = undefined;
    await this.#startApp(config);
  }

  async close(): Promise<void> {
    await this.#app?.close();
    await this.#release();
  }

  /** Both clocks: the server's and the forge's. */
  async moveTime(ms: number): Promise<void> {
    await this.sim.clock.advance(ms);
    this.clock.moveBy(ms);
  }

  /**
   * Both clocks go on by so much at each look, for as long as the server keeps up: on a slow machine a look comes sooner than the
   * listing of runners that has fallen due, and none of them would ever be fresh; sooner than an answer of the forge, too, and
   * every request would time out, or the deadline of a claim would pass before it is sent.
   *
   * @param mayBeStale runners need not be listed meanwhile, as while a limit stops all requests
   */
  async passTimeUntil(
    what: string,
    holds: () => Promise<boolean> | boolean,
    { mayBeStale = false }: { readonly mayBeStale?: boolean } = {},
  ): Promise<void> {
    let passedMs = 0;
    let looks = 0;
    const look = async (): Promise<{ isSo: boolean; passedMs: number }> => {
      looks += 1;
      const isDue = looks > MOST_LOOKS || !(await this.#isExchanging());
      if (isDue && (mayBeStale || (await this.#listedForMs()) < LISTED_WITHIN_MS)) {
        await this.moveTime(STEP_MS);
        passedMs += STEP_MS;
        looks = 0;
      }
      return { isSo: await holds(), passedMs };
    };
    await this.until(what, look, ({ isSo }) => isSo, { isWork: true });
  }

  /** Whether a request is on its way, or about to be, that nothing keeps from its answer. */
  async #isExchanging(): Promise<boolean> {
    const open = this.sim
      .ledger()
      .requests.filter(({ repliedAt, abandoned }) => repliedAt === undefined && !abandoned);
    if (open.some(({ fault }) => fault === undefined)) return true;
    if (open.some(({ fault }) => fault?.startsWith('hold'))) return false;
    const live = await this.store.runs.listLive('github');
    return live.some(({ state }) => state === 'claimed');
  }

  /** How long ago the runners were listed, in the scope where that is longest. */
  async #listedForMs(): Promise<number> {
    const scopes = await this.store.runners.listScopes('github');
    return Math.max(0, ...scopes.map(({ listedAt }) => this.clock.now() - (listedAt ?? 0)));
  }

  until<T>(
    what: string,
    read: () => Promise<T> | T,
    holds: (seen: T) => boolean,
    { isWork = false }: Pick<UntilOptions, 'isWork'> = {},
  ): Promise<T> {
    const rateLimits = () => this.sim.rateLimits();
    return until(read, holds, { what, subscribe: this.#subscribe, isWork, rateLimits });
  }

  job(id: string, what: JobStatus | ((job: Job) => boolean)): Promise<Job> {
    const holds = typeof what === 'string' ? (job: Job) => job.status === what : what;
    const name = typeof what === 'string' ? what : what.toString();
    return this.until(`job ${name}`, () => this.api.job(id), holds).catch(
      async (error: unknown) => {
        const why = JSON.stringify(await this.api.why(id));
        throw new Error(`${String(error)}; it waits because ${why}`, { cause: error });
      },
    );
  }

  /** Until the job waits for this reason. */
  why(id: string, code: string | null): ReturnType<Api['why']> {
    return this.until(
      `job waits for ${code ?? 'nothing'}`,
      () => this.api.why(id),
      (why) => why.code === code,
    );
  }

  forge(what: string, holds: (ledger: Ledger) => boolean): Promise<Ledger> {
    return this.until(what, () => this.sim.ledger(), holds);
  }

  /** Runs that were started with our token and not by hand, oldest first. */
  ourRuns(): LedgerRun[] {
    const { runs } = this.sim.ledger();
    const isOurs = (actor: string): boolean => actor === BOT || actor === RENAMED_BOT;
    return runs.filter(({ actor, inputs }) => isOurs(actor) && inputs['note'] !== BY_HAND);
  }

  runOf(job: Pick<Job, 'run_id'>): LedgerRun {
    const run = this.sim.ledger().runs.find(({ id }) => id === job.run_id);
    if (run === undefined) throw new Error(`the forge has no run ${String(job.run_id)}`);
    return run;
  }

  /** Dispatch requests that the forge has acted on, whether or not its answer arrived. */
  dispatches(): number {
    const { requests } = this.sim.ledger();
    return requests.filter(({ endpoint, acted }) => endpoint === 'dispatch' && acted).length;
  }

  readonly #subscribe: Subscribe = (onChange) => this.store.events.onCommit(onChange);

  #running(): App {
    if (this.#app === undefined) throw new Error('the server does not run');
    return this.#app;
  }

  async #startApp(keys?: ConfigKeys): Promise<void> {
    const { wrapForge } = this.#options;
    this.#app = await startApp(await this.#loadConfig(keys), {
      logger: makeLogger('debug', {
        write: (line) => {
          this.logLines.push(line);
        },
      }),
      build: { version: '1.2.3-test', gitCommit: 'abcdef0123', buildDate: '2026-01-31' },
      clock: this.clock,
      wrap: {
        store: (store) => {
          this.#store = store;
          return store;
        },
        ...(wrapForge !== undefined && { forge: wrapForge }),
      },
    });
  }
}

async function configOf(
  options: WorldOptions,
  folder: string,
  sim: ForgeSim,
  database: StoreConfig,
): Promise<Config> {
  const { configText, config: overrides = {}, sim: simOptions } = options;
  const baseUrl = simOptions?.ghes === undefined ? sim.url : `${sim.url}/api/v3`;
  if (configText === undefined) return makeConfig({ folder, baseUrl, database, overrides });
  const config = await loadText(folder, configText.text(baseUrl), configText.env);
  // Where it listens and keeps its data belongs to the machine that the test runs on, whatever the file says.
  const listen = { host: '127.0.0.1', port: 0 };
  return { ...config, server: { ...config.server, listen }, database };
}
