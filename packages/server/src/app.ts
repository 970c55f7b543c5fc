/** The composition root: the only file that names implementations. */
import { randomUUID } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { hostname } from 'node:os';
import { syncUsers } from './auth/sync-users.ts';
import type { Config, ForgeConfig, GroupConfig } from './config/config.ts';
import { ConfigError } from './config/config-error.ts';
import { listStartupWarnings } from './config/startup-warnings.ts';
import type { BudgetStore, Forge } from './forge/forge.ts';
import { openForge } from './forge/registry.ts';
import { makeHttpApp } from './http/app.ts';
import { fitConnections } from './http/fit-connections.ts';
import { type Clock, systemClock } from './lib/clock.ts';
import { findDescriptorLimit } from './lib/descriptor-limit.ts';
import { listenFault, urlOf } from './lib/listening.ts';
import type { Logger } from './lib/logger.ts';
import { SharedClock } from './lib/shared-clock.ts';
import { EventFeed } from './loops/event-feed.ts';
import { logEvent } from './loops/event-log.ts';
import { keepClockShared, shareClock } from './loops/share-clock.ts';
import { type Metrics, makeMetrics, type VersionInfo } from './metrics/metrics.ts';
import { type OpenedForge, startLoops } from './start-loops.ts';
import { openStore, type StoreDeps } from './store/open-store.ts';
import type { SyncGroup } from './store/port/catalog.ts';
import type { Store } from './store/port/store.ts';

export interface AppDeps {
  readonly logger: Logger;
  readonly build: VersionInfo;
  /** Default: the machine's, put right by the database's where several servers may share that. */
  readonly clock?: Clock;
  /** For the metrics; default: none are lost. */
  readonly lostLogLines?: () => number;
  /** Default: all there are. A test runs the version after this one by adding its own. */
  readonly migrations?: StoreDeps['migrations'];
  /** Tests put a process to death at exact points by wrapping what the loops are given. */
  readonly wrap?: {
    readonly store?: (store: Store) => Store;
    readonly forge?: (forge: Forge) => Forge;
  };
}

export interface App {
  readonly url: string;
  /** Finishes acts in flight, hands leases over, closes everything. Repeatable. */
  close(): Promise<void>;
}

/** Resolves when it listens and its loops run. Rejects with what stands in the way, everything closed again. */
export async function startApp(config: Config, deps: AppDeps): Promise<App> {
  const app = new RunningApp(config, deps);
  try {
    await app.start();
    return app;
  } catch (error) {
    await app.close();
    throw error;
  }
}

export async function migrateDatabase(config: Config, logger: Logger): Promise<void> {
  const store = await openStore(config.database, {
    clock: systemClock,
    origin: randomUUID(),
    logger,
  });
  await store.close();
}

/** What was opened, in order; closed in reverse. */
class RunningApp implements App {
  readonly #config: Config;
  readonly #deps: AppDeps;
  readonly #clock: Clock;
  readonly #sharedClock: SharedClock | undefined;
  readonly #origin = `${hostname()}:${process.pid}:${randomUUID().slice(0, 8)}`;
  readonly #stop = new AbortController();
  readonly #releasers: (() => Promise<void>)[] = [];
  #closing: Promise<void> | undefined;
  url = '';

  constructor(config: Config, deps: AppDeps) {
    this.#config = config;
    this.#deps = deps;
    const isShared = deps.clock === undefined && config.database.driver === 'postgres';
    this.#sharedClock = isShared ? new SharedClock(systemClock) : undefined;
    this.#clock = deps.clock ?? this.#sharedClock ?? systemClock;
  }

  async start(): Promise<void> {
    const store = await this.#openStore();
    const metrics = this.#makeMetrics(store, () => forges);
    const forges: readonly OpenedForge[] = this.#config.forges.map((one) => ({
      config: one,
      forge: this.#openForge(one, store, metrics),
    }));
    const feed = this.#makeFeed(store, metrics);
    // Before anybody asks why a job waits: a limit met in an earlier life is a reason, "not connected yet" is none.
    await Promise.all(forges.map(({ forge }) => forge.recallLimits()));
    // Before anybody looks at the world: what changes after a first look wakes loops and is pushed to clients.
    await feed.open();
    await this.#listen(store, forges, metrics, feed);
    const parts = { store, forges, feed, metrics, config: this.#config, clock: this.#clock };
    const { logger } = this.#deps;
    const loops = { ...parts, logger, holder: this.#origin };
    this.#releasers.push(startLoops(loops, this.#stop.signal));
  }

  close(): Promise<void> {
    this.#closing ??= this.#closeAll();
    return this.#closing;
  }

  async #closeAll(): Promise<void> {
    this.#stop.abort();
    const errors: unknown[] = [];
    for (const release of this.#releasers.reverse()) {
      try {
        await release();
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) throw new AggregateError(errors, 'not everything closed cleanly');
  }

  async #openStore(): Promise<Store> {
    const { logger, wrap, migrations } = this.#deps;
    for (const warning of listStartupWarnings(this.#config)) logger.warn(warning);
    const opened = await openStore(this.#config.database, {
      clock: this.#clock,
      origin: this.#origin,
      logger,
      ...(migrations && { migrations }),
    });
    this.#releasers.push(() => opened.close());
    const store = wrap?.store?.(opened) ?? opened;
    await this.#shareClock(store);
    await refuseUnread(this.#config.groups, store.catalog);
    for (const { id, kind } of this.#config.forges) {
      const groups = this.#config.groups.filter(({ forgeId }) => forgeId === id);
      await store.catalog.sync({ id, kind }, groups.map(syncGroupOf));
    }
    const { basic } = this.#config.auth;
    await syncUsers(basic.enabled ? basic.users : [], store.users);
    return store;
  }

  async #shareClock(store: Store): Promise<void> {
    const clock = this.#sharedClock;
    if (clock === undefined) return;
    const deps = { store, clock, logger: this.#deps.logger };
    await shareClock(deps);
    const keeping = keepClockShared(deps, this.#stop.signal);
    this.#releasers.push(() => keeping);
  }

  #makeMetrics(store: Store, forges: () => readonly OpenedForge[]): Metrics {
    return makeMetrics({
      store,
      clock: this.#clock,
      version: this.#deps.build,
      runnersRateRemaining: () => leastLeft(forges()),
      ...(this.#deps.lostLogLines && { lostLogLines: this.#deps.lostLogLines }),
      onScrapeError: (error) => {
        this.#deps.logger.warn({ err: error }, 'gauges not read');
      },
    });
  }

  #openForge(config: ForgeConfig, store: Store, metrics: Metrics): Forge {
    const { logger, build, wrap } = this.#deps;
    const opened = openForge(config, {
      budgets: budgetsIn(store, config.id),
      version: build.version,
      clock: this.#clock,
      logger,
      onRequest: (endpoint, outcome) => {
        metrics.countForgeRequest(endpoint, outcome);
      },
    });
    this.#releasers.push(() => opened.close());
    return wrap?.forge?.(opened) ?? opened;
  }

  #makeFeed(store: Store, metrics: Metrics): EventFeed {
    const { logger } = this.#deps;
    const feed = new EventFeed({ events: store.events, clock: this.#clock, logger });
    feed.listen((event) => {
      if (event.origin !== this.#origin) return;
      metrics.countEvent(event);
      logEvent(logger, event);
    });
    return feed;
  }

  #fitConnections(): number {
    const { server, database } = this.#config;
    const toDatabase = database.driver === 'postgres' ? database.maxConnections : 0;
    const fitted = fitConnections(server.maxConnections, findDescriptorLimit(), toDatabase);
    if (fitted.problem !== undefined) this.#deps.logger.warn(fitted.problem);
    return fitted.most;
  }

  async #listen(
    store: Store,
    forges: readonly OpenedForge[],
    metrics: Metrics,
    feed: EventFeed,
  ): Promise<void> {
    const { server, auth, dispatcher } = this.#config;
    const http = await makeHttpApp({
      store,
      clock: this.#clock,
      logger: this.#deps.logger,
      metrics,
      version: this.#deps.build,
      options: {
        corsOrigins: server.corsOrigins,
        rateLimit: { ...server.rateLimit, isEnabled: server.rateLimit.enabled },
        trustedProxies: server.trustedProxies,
        maxConnections: this.#fitConnections(),
        sessionTtlMs: auth.sessionTtlMs,
        failedLoginsPerMinute: auth.basic.failedLoginsPerMinute,
        pickupTimeoutMs: dispatcher.pickupTimeoutMs,
        isBasicAuthEnabled: auth.basic.enabled,
        // The login page must not offer what has no routes.
        isGithubAuthEnabled: false,
      },
      forgeStatus: () => forges.flatMap(({ forge }) => forge.listCredentials()),
      webhookVerifiers: new Map(forges.map(({ forge }) => [forge.id, forge.webhooks])),
      isDispatchEnabled: () => dispatcher.enabled,
      listenToEvents: (listener) => {
        feed.listen(listener);
      },
      listUnready: () => (this.#stop.signal.aborted ? ['shutting down'] : []),
    });
    this.#releasers.push(async () => {
      await http.close();
    });
    const { host, port } = server.listen;
    // '' is all interfaces, IPv6 and IPv4.
    try {
      await http.listen({ port, host: host === '' ? '::' : host });
    } catch (error) {
      throw new Error(`server.listen: ${listenFault(error, host, port)}`, { cause: error });
    }
    this.url = urlOf(http.server.address() as AddressInfo);
  }
}

function budgetsIn({ credentials }: Store, forgeId: string): BudgetStore {
  return {
    findBudget: (id) => credentials.find(id),
    saveBudget: (id, budget, hasConnected) =>
      credentials.save(forgeId, { ...budget, id }, hasConnected),
    takeDispatch: (id, rate) => credentials.takeDispatch(id, rate),
  };
}

/** What an operator watches is how near the nearest limit is. `null`: no forge has shown it yet. */
function leastLeft(forges: readonly OpenedForge[]): number | null {
  const left = forges
    .map(({ forge }) => forge.credentialFor('runners').rate.remaining)
    .filter((remaining) => remaining !== null);
  return left.length === 0 ? null : Math.min(...left);
}

/** A URL that has never been read is more likely a mistake than an outage: it stops the start, which somebody watches. */
async function refuseUnread(
  groups: readonly GroupConfig[],
  catalog: Pick<Store['catalog'], 'listTemplates'>,
): Promise<void> {
  const problems: string[] = [];
  for (const { id, unreadSources } of groups) {
    if (unreadSources.length === 0) continue;
    const templates = await catalog.listTemplates(id);
    const known = new Set(
      templates.filter(({ inConfig }) => inConfig).map(({ sourcePath }) => sourcePath),
    );
    const never = unreadSources.filter(({ sourcePath }) => !known.has(sourcePath));
    problems.push(...never.map(({ problem }) => problem));
  }
  if (problems.length > 0) throw new ConfigError(problems);
}

function syncGroupOf(group: GroupConfig): SyncGroup {
  return {
    ...group,
    unreadSources: group.unreadSources.map(({ sourcePath }) => sourcePath),
    templates: group.templates.map(({ inputs, labels, ...template }) => ({
      ...template,
      // As the Go program showed them: none is null.
      defaultInputs: isEmpty(inputs) ? null : inputs,
      labels: isEmpty(labels) ? null : labels,
    })),
  };
}

function isEmpty(map: Readonly<Record<string, string>>): boolean {
  return Object.keys(map).length === 0;
}
