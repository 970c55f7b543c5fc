import { Registry } from 'prom-client';
import type { Event, EventKind } from '../domain/event.ts';
import type { Clock } from '../lib/clock.ts';
import type { CatalogStore } from '../store/port/catalog.ts';
import type { JobStore } from '../store/port/jobs.ts';
import { type Families, makeFamilies } from './families.ts';
import { readGauges, setGauges } from './gauges.ts';
import { waitOf } from './job-wait.ts';

export interface VersionInfo {
  readonly version: string;
  readonly gitCommit: string;
  readonly buildDate: string;
}

export interface RequestSample {
  readonly method: string;
  /** The route's pattern, never the URL: ids would make a series each. */
  readonly path: string;
  readonly status: number;
  readonly durationMs: number;
}

/** What became of a delivery. `ignored`: signed, and nothing to us. */
export type WebhookOutcome = 'accepted' | 'duplicate' | 'ignored' | 'refused';

export interface Metrics {
  /** Call once for each committed event that this process wrote: then a sum over replicas counts each once. */
  countEvent(event: Event): void;
  countDispatchCycle(outcome: 'ok' | 'error'): void;
  observeDispatchPhase(phase: 'load' | 'plan' | 'claim', durationMs: number): void;
  /** @param endpoint the call's name, such as `list-runs` */
  countForgeRequest(endpoint: string, outcome: 'ok' | 'error'): void;
  /** @param event the forge's name for it; '' while nothing has vouched for it */
  countWebhook(event: string, outcome: WebhookOutcome): void;
  observeRequest(sample: RequestSample): void;
  setWebSocketClients(count: number): void;
  countSlowWebSocketClient(): void;
  countDroppedConnection(): void;
  /**
   * The Prometheus text format, 0.0.4, at most a second old. While the database is away what only it knows is left out.
   */
  render(): Promise<{ readonly contentType: string; readonly text: string }>;
}

const KEPT_MS = 1_000;

export interface MetricsDeps {
  readonly store: {
    readonly catalog: Pick<CatalogStore, 'listGroupsWithStats'>;
    readonly jobs: Pick<JobStore, 'countQueue'>;
  };
  readonly clock: Clock;
  readonly version: VersionInfo;
  /** Requests left of the credential that lists runners; null while unknown. */
  readonly runnersRateRemaining: () => number | null;
  /** Lines that this process could not write to its log; default: none. */
  readonly lostLogLines?: () => number;
  readonly onScrapeError: (error: unknown) => void;
}

export function makeMetrics(deps: MetricsDeps): Metrics {
  const registry = new Registry();
  const families = makeFamilies(registry);
  const { version, gitCommit, buildDate } = deps.version;
  families.buildInfo.set({ version, commit: gitCommit, date: buildDate }, 1);
  const render = keptForAMoment(deps.clock, async () => {
    await refreshGauges(deps, families);
    return { contentType: registry.contentType, text: await registry.metrics() };
  });
  return {
    countEvent: (event) => countEvent(families, event),
    countDispatchCycle: (outcome) => {
      families.dispatcherCycles.inc();
      families.dispatcherLastCycle.set(deps.clock.now() / 1000);
      if (outcome === 'error') families.dispatcherErrors.inc();
    },
    observeDispatchPhase: (phase, durationMs) => {
      families.dispatchPhase.observe({ phase }, durationMs / 1000);
    },
    countForgeRequest: (endpoint, outcome) => {
      families.forgeRequests.inc({ endpoint });
      if (outcome === 'error') families.forgeErrors.inc({ endpoint });
    },
    countWebhook: (event, outcome) => {
      families.webhooks.inc({ event, outcome });
    },
    observeRequest: ({ method, path, status, durationMs }) => {
      families.httpRequests.inc({ method, path, status: String(status) });
      families.httpDuration.observe({ method, path }, durationMs / 1000);
    },
    setWebSocketClients: (count) => {
      families.webSocketClients.set(count);
    },
    countSlowWebSocketClient: () => {
      families.webSocketSlow.inc();
    },
    countDroppedConnection: () => {
      families.httpDropped.inc();
    },
    render,
  };
}

const COUNTERS = {
  'job.enqueued': 'jobsCreated',
  'job.requeued': 'jobsCreated',
  'attempt.accepted': 'jobsTriggered',
  'job.completed': 'jobsCompleted',
  'job.failed': 'jobsFailed',
  'job.cancelled': 'jobsCancelled',
  'job.returned': 'claimsReturned',
  'attempt.run-late': 'lateRuns',
  'attempt.displaced': 'displaced',
} as const satisfies Partial<Record<EventKind, keyof Families>>;

function countEvent(families: Families, event: Event): void {
  const { kind } = event;
  const group = event.groupId ?? '';
  if (isCounted(kind)) families[COUNTERS[kind]].inc({ group });
  if (kind === 'attempt.accepted') families.dispatcherDispatches.inc();
  const waitedMs = waitOf(event);
  if (waitedMs !== undefined) families.jobWait.observe({ group }, waitedMs / 1000);
}

const isCounted = (kind: EventKind): kind is keyof typeof COUNTERS => kind in COUNTERS;

async function refreshGauges(deps: MetricsDeps, families: Families): Promise<void> {
  const remaining = deps.runnersRateRemaining();
  if (remaining !== null) families.rateRemaining.set(remaining);
  families.logLinesLost.reset();
  families.logLinesLost.inc(deps.lostLogLines?.() ?? 0);
  try {
    setGauges(families, await readGauges(deps.store));
  } catch (error) {
    // A scrape that fails whole would hide the very metrics that show what is wrong.
    setGauges(families, { groups: [], counts: [] });
    deps.onScrapeError(error);
  }
}

/**
 * Anybody may ask, as often as he likes, and each rendering keeps the main thread busy for milliseconds. Those who ask
 * at the same time share one, and so do those who ask within a second of its end: no scraper comes more often.
 */
function keptForAMoment<T>(
  clock: Pick<Clock, 'monotonic'>,
  make: () => Promise<T>,
): () => Promise<T> {
  let kept: Promise<T> | undefined;
  let keptUntil = Infinity;
  return () => {
    if (kept !== undefined && clock.monotonic() < keptUntil) return kept;
    keptUntil = Infinity;
    kept = make().then(
      (made) => {
        keptUntil = clock.monotonic() + KEPT_MS;
        return made;
      },
      (error: unknown) => {
        kept = undefined;
        throw error;
      },
    );
    return kept;
  };
}
