import { type ForgeClientStatus, Status } from '@dispatchoor/api-contract';
import { formatGoDuration } from '../../lib/go-duration.ts';
import type { QueueCounts } from '../../store/port/jobs.ts';
import { StoreError } from '../../store/port/store.ts';
import type { ForgeClient, HttpDeps } from '../deps.ts';
import type { HttpApp } from '../http-app.ts';
import { timeToWire } from '../wire/time-to-wire.ts';
import { within } from '../within.ts';
import { PING_TIMEOUT_MS } from './health.ts';

type StatusDeps = Pick<HttpDeps, 'store' | 'clock' | 'version' | 'forgeStatus'>;

export function statusRoutes(app: HttpApp, deps: StatusDeps): void {
  app.get('/status', { schema: { response: { 200: Status } } }, () => readStatus(deps));
}

async function readStatus(deps: StatusDeps): Promise<Status> {
  const [database, queue] = await Promise.all([readDatabase(deps), readQueue(deps)]);
  const now = deps.clock.now();
  const clients = deps
    .forgeStatus()
    .map((client) => [client.use, clientToWire(client, now)] as const);
  const parts = [database, ...clients.map(([, client]) => client)];
  const { version, gitCommit, buildDate } = deps.version;
  return {
    status: parts.some(({ status }) => status === 'unhealthy') ? 'degraded' : 'healthy',
    timestamp: timeToWire(now),
    database,
    github: Object.fromEntries(clients),
    queue,
    version: { version, git_commit: gitCommit, build_date: buildDate },
  };
}

async function readDatabase({ store, clock }: StatusDeps): Promise<Status['database']> {
  try {
    const latencyMs = await within(clock, PING_TIMEOUT_MS, store.ping());
    return { status: 'healthy', latency: formatGoDuration(roundLatency(latencyMs)) };
  } catch (error) {
    const why = error instanceof StoreError ? error.message : 'the database does not answer';
    return { status: 'unhealthy', error: why };
  }
}

/** Whole milliseconds, and microseconds below one. */
const roundLatency = (ms: number): number =>
  ms >= 1 ? Math.round(ms) : Math.round(ms * 1000) / 1000;

async function readQueue({ store, clock }: StatusDeps): Promise<Status['queue']> {
  const counts = await within(clock, PING_TIMEOUT_MS, store.jobs.countQueue()).catch(() => []);
  const sum = (state: 'pending' | 'triggered' | 'running') =>
    counts.reduce((total: number, group: QueueCounts) => total + group[state], 0);
  return {
    pending_jobs: sum('pending'),
    triggered_jobs: sum('triggered'),
    running_jobs: sum('running'),
  };
}

const DEGRADED_BELOW = 100;
const UNHEALTHY_BELOW = 10;

function clientToWire(client: ForgeClient, now: number): ForgeClientStatus {
  const { isConfigured, isConnected, error, rate } = client;
  const isUsable = isConfigured && isConnected;
  const isLimited = rate.blockedUntil !== null && rate.blockedUntil > now;
  const untried = isLimited ? 'its rate limit is used up' : 'not connected yet';
  const problem = isConfigured ? error || untried : 'no token is configured';
  return {
    status: isUsable ? healthOf(rate.remaining) : 'unhealthy',
    connected: isUsable,
    ...(!isUsable && { error: problem }),
    rate_limit_remaining: rate.remaining ?? 0,
    ...(rate.resetAt !== null && {
      rate_limit_reset: timeToWire(rate.resetAt),
      reset_in: formatGoDuration(Math.max(0, Math.round((rate.resetAt - now) / 1000) * 1000)),
    }),
  };
}

/** A forge without limits says nothing of them: that is healthy. */
function healthOf(remaining: number | null): ForgeClientStatus['status'] {
  if (remaining === null || remaining >= DEGRADED_BELOW) return 'healthy';
  return remaining < UNHEALTHY_BELOW ? 'unhealthy' : 'degraded';
}
