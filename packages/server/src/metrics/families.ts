import { Counter, collectDefaultMetrics, Gauge, Histogram, type Registry } from 'prom-client';

export type Families = ReturnType<typeof makeFamilies>;

const HTTP_BUCKETS_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const PHASE_BUCKETS_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1];
// A job waits for milliseconds while runners are free, and for days behind a long queue.
const WAIT_BUCKETS_SECONDS = [
  0.1, 0.5, 1, 5, 15, 30, 60, 300, 900, 1_800, 3_600, 10_800, 43_200, 86_400, 604_800,
];

/** Every metric by its name, which dashboards rely on. Each registry has its own. */
export function makeFamilies(registry: Registry) {
  collectDefaultMetrics({ register: registry });
  return {
    ...makeJobFamilies(registry),
    ...makeRunnerFamilies(registry),
    ...makeDispatcherFamilies(registry),
    ...makeHttpFamilies(registry),
    ...makeForgeFamilies(registry),
    logLinesLost: new Counter({
      name: 'dispatchoor_log_lines_lost_total',
      help: 'Log lines that could not be written, and never will be.',
      registers: [registry],
    }),
  };
}

function makeJobFamilies(registry: Registry) {
  const counter = (name: string, help: string) =>
    new Counter({
      name: `dispatchoor_${name}`,
      help,
      labelNames: ['group'],
      registers: [registry],
    });
  return {
    jobsCreated: counter('jobs_created_total', 'Jobs added to a queue, requeues included.'),
    jobsTriggered: counter('jobs_triggered_total', 'Dispatches that a forge accepted.'),
    jobsCompleted: counter('jobs_completed_total', 'Jobs that ended as completed.'),
    jobsFailed: counter('jobs_failed_total', 'Jobs that ended as failed.'),
    jobsCancelled: counter('jobs_cancelled_total', 'Jobs that ended as cancelled.'),
    claimsReturned: counter(
      'claims_returned_total',
      'Jobs that went back to pending because their attempt started nothing.',
    ),
    lateRuns: counter('late_runs_total', 'Runs that turned up for an attempt that was given up.'),
    displaced: counter('displaced_total', 'Runs whose runner took another run.'),
    jobWait: new Histogram({
      name: 'dispatchoor_job_wait_seconds',
      help: 'From the moment a job was added until its run was in progress.',
      labelNames: ['group'],
      buckets: WAIT_BUCKETS_SECONDS,
      registers: [registry],
    }),
    queueSize: new Gauge({
      name: 'dispatchoor_queue_size',
      help: 'Jobs that have not ended, by status.',
      labelNames: ['group', 'status'],
      registers: [registry],
    }),
  };
}

function makeRunnerFamilies(registry: Registry) {
  const gauge = (name: string, help: string) =>
    new Gauge({ name: `dispatchoor_${name}`, help, labelNames: ['group'], registers: [registry] });
  return {
    runnersTotal: gauge('runners_total', 'Runners whose labels fit the group.'),
    runnersOnline: gauge('runners_online', 'Of these, online.'),
    runnersBusy: gauge('runners_busy', 'Of these, busy, even if offline.'),
  };
}

function makeDispatcherFamilies(registry: Registry) {
  const counter = (name: string, help: string) =>
    new Counter({ name: `dispatchoor_${name}`, help, registers: [registry] });
  return {
    dispatcherCycles: counter('dispatcher_cycles_total', 'Dispatch cycles of this process.'),
    dispatcherDispatches: counter('dispatcher_dispatches_total', 'Dispatches accepted.'),
    dispatcherErrors: counter('dispatcher_errors_total', 'Dispatch cycles that failed.'),
    dispatchPhase: new Histogram({
      name: 'dispatchoor_dispatch_phase_seconds',
      help: 'Duration of the phases of a dispatch cycle: load, plan, and each claim.',
      labelNames: ['phase'],
      buckets: PHASE_BUCKETS_SECONDS,
      registers: [registry],
    }),
    dispatcherLastCycle: new Gauge({
      name: 'dispatchoor_dispatcher_last_cycle_timestamp',
      help: 'End of the last dispatch cycle, Unix seconds; 0 before the first.',
      registers: [registry],
    }),
  };
}

function makeHttpFamilies(registry: Registry) {
  return {
    httpRequests: new Counter({
      name: 'dispatchoor_http_requests_total',
      help: 'HTTP requests by route and status code.',
      labelNames: ['method', 'path', 'status'],
      registers: [registry],
    }),
    httpDuration: new Histogram({
      name: 'dispatchoor_http_request_duration_seconds',
      help: 'Duration of HTTP requests by route.',
      labelNames: ['method', 'path'],
      buckets: HTTP_BUCKETS_SECONDS,
      registers: [registry],
    }),
    httpDropped: new Counter({
      name: 'dispatchoor_http_connections_dropped_total',
      help: 'HTTP connections closed at once, because there were as many as server.max_connections.',
      registers: [registry],
    }),
    webSocketClients: new Gauge({
      name: 'dispatchoor_websocket_clients',
      help: 'Clients of the live push.',
      registers: [registry],
    }),
    webSocketSlow: new Counter({
      name: 'dispatchoor_websocket_slow_clients_total',
      help: 'Clients of the live push let go because they did not read what they were sent.',
      registers: [registry],
    }),
  };
}

function makeForgeFamilies(registry: Registry) {
  const counter = (name: string, help: string) =>
    new Counter({
      name: `dispatchoor_${name}`,
      help,
      labelNames: ['endpoint'],
      registers: [registry],
    });
  return {
    forgeRequests: counter('github_api_requests_total', 'Requests to a forge by call.'),
    forgeErrors: counter('github_api_errors_total', 'Requests to a forge that failed, by call.'),
    webhooks: new Counter({
      name: 'dispatchoor_webhooks_total',
      help: 'Webhooks of forges by event and what became of them.',
      labelNames: ['event', 'outcome'],
      registers: [registry],
    }),
    rateRemaining: new Gauge({
      name: 'dispatchoor_github_rate_limit_remaining',
      help: 'Requests left of the credential that lists runners.',
      registers: [registry],
    }),
    buildInfo: new Gauge({
      name: 'dispatchoor_build_info',
      help: 'Always 1; the labels say what runs.',
      labelNames: ['version', 'commit', 'date'],
      registers: [registry],
    }),
  };
}
