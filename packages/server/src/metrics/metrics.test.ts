import { describe, expect, it } from 'vitest';
import type { Event, EventKind } from '../domain/event.ts';
import { FakeClock } from '../lib/clock.testkit.ts';
import { uuidv7 } from '../lib/ids.ts';
import type { CatalogStore } from '../store/port/catalog.ts';
import type { QueueCounts } from '../store/port/jobs.ts';
import { type Metrics, type MetricsDeps, makeMetrics } from './metrics.ts';

const noon = Date.UTC(2026, 0, 1, 12);

function event(kind: EventKind, over: Partial<Event> = {}): Event {
  return {
    kind,
    subjectType: 'job',
    subjectId: 'job-1',
    groupId: 'g1',
    forgeId: 'github',
    actor: 'dispatchoor',
    isAudit: false,
    data: {},
    seq: 1,
    at: noon,
    origin: 'one',
    ...over,
  };
}

type Groups = Awaited<ReturnType<CatalogStore['listGroupsWithStats']>>;

const group: Groups[number] = {
  id: 'g1',
  forgeId: 'github',
  name: 'Group one',
  description: '',
  runnerLabels: ['linux'],
  labelCase: 'ignored',
  runnerScopes: null,
  maxParallel: null,
  isEnabled: true,
  isPaused: false,
  createdAt: noon,
  updatedAt: noon,
  queuedJobs: 2,
  runningJobs: 1,
  idleRunners: 3,
  busyRunners: 4,
  onlineRunners: 6,
  totalRunners: 8,
  templateCount: 1,
};

function open(over: Partial<MetricsDeps> & { counts?: QueueCounts[] } = {}): Metrics {
  return makeMetrics({
    store: {
      catalog: { listGroupsWithStats: async () => [group] },
      jobs: { countQueue: async () => over.counts ?? [] },
    },
    clock: new FakeClock(noon),
    version: { version: '1.2.3', gitCommit: 'abc1234', buildDate: '2026-01-01' },
    runnersRateRemaining: () => 4_999,
    onScrapeError: () => undefined,
    ...over,
  });
}

const linesOf = async (metrics: Metrics): Promise<string[]> =>
  (await metrics.render()).text.split('\n');

describe('metrics', () => {
  it('have every name and label of the contract, really updated (defect #23)', async () => {
    const metrics = open({ counts: [{ groupId: 'g1', pending: 2, triggered: 1, running: 5 }] });
    for (const kind of [
      'job.enqueued',
      'job.requeued',
      'attempt.accepted',
      'job.completed',
      'job.failed',
      'job.cancelled',
    ] as const) {
      metrics.countEvent(event(kind));
    }
    metrics.countDispatchCycle('ok');
    metrics.countDispatchCycle('error');
    metrics.countForgeRequest('list-runs', 'ok');
    metrics.countForgeRequest('list-runs', 'error');
    metrics.observeRequest({ method: 'GET', path: '/health', status: 200, durationMs: 12 });
    expect(await linesOf(metrics)).toEqual(
      expect.arrayContaining([
        'dispatchoor_jobs_created_total{group="g1"} 2',
        'dispatchoor_jobs_triggered_total{group="g1"} 1',
        'dispatchoor_jobs_completed_total{group="g1"} 1',
        'dispatchoor_jobs_failed_total{group="g1"} 1',
        'dispatchoor_jobs_cancelled_total{group="g1"} 1',
        'dispatchoor_queue_size{group="g1",status="pending"} 2',
        'dispatchoor_queue_size{group="g1",status="triggered"} 1',
        'dispatchoor_queue_size{group="g1",status="running"} 5',
        'dispatchoor_runners_total{group="g1"} 8',
        'dispatchoor_runners_online{group="g1"} 6',
        'dispatchoor_runners_busy{group="g1"} 4',
        'dispatchoor_http_requests_total{method="GET",path="/health",status="200"} 1',
        'dispatchoor_http_request_duration_seconds_bucket{le="0.025",method="GET",path="/health"} 1',
        'dispatchoor_http_request_duration_seconds_bucket{le="0.01",method="GET",path="/health"} 0',
        'dispatchoor_dispatcher_cycles_total 2',
        'dispatchoor_dispatcher_dispatches_total 1',
        'dispatchoor_dispatcher_errors_total 1',
        `dispatchoor_dispatcher_last_cycle_timestamp ${noon / 1000}`,
        'dispatchoor_github_api_requests_total{endpoint="list-runs"} 2',
        'dispatchoor_github_api_errors_total{endpoint="list-runs"} 1',
        'dispatchoor_github_rate_limit_remaining 4999',
        'dispatchoor_build_info{version="1.2.3",commit="abc1234",date="2026-01-01"} 1',
      ]),
    );
  });

  it('have the histogram buckets of the contract', async () => {
    const metrics = open();
    metrics.observeRequest({ method: 'GET', path: '/health', status: 200, durationMs: 1 });
    const bounds = (await linesOf(metrics)).flatMap(
      (line) => /request_duration_seconds_bucket\{le="([^"]+)"/.exec(line)?.[1] ?? [],
    );
    expect(bounds).toEqual('0.005 0.01 0.025 0.05 0.1 0.25 0.5 1 2.5 5 10 +Inf'.split(' '));
  });

  it('are told in the text format 0.0.4, with the process’ own', async () => {
    const { contentType, text } = await open().render();
    expect(contentType).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(text).toContain('process_resident_memory_bytes');
  });

  it('start a group’s counters at zero, so that its first job is seen as an increase', async () => {
    expect(await linesOf(open())).toContain('dispatchoor_jobs_failed_total{group="g1"} 0');
  });

  it('count what only we have', async () => {
    const metrics = open();
    metrics.countEvent(event('job.returned'));
    metrics.countEvent(event('attempt.run-late'));
    metrics.countEvent(event('attempt.displaced'));
    expect(await linesOf(metrics)).toEqual(
      expect.arrayContaining([
        'dispatchoor_claims_returned_total{group="g1"} 1',
        'dispatchoor_late_runs_total{group="g1"} 1',
        'dispatchoor_displaced_total{group="g1"} 1',
      ]),
    );
  });

  it('tell how long jobs waited until their run was in progress', async () => {
    const metrics = open();
    const subjectId = uuidv7(noon);
    metrics.countEvent(event('job.running', { subjectId, at: noon + 20_000 }));
    const short = { subjectId, at: noon + 40_000, data: { from: 'triggered' } };
    metrics.countEvent(event('job.completed', short));
    metrics.countEvent(event('job.completed', { subjectId, data: { from: 'running' } }));
    metrics.countEvent(event('job.running', { subjectId: 'imported-with-another-kind-of-id' }));
    expect(await linesOf(metrics)).toEqual(
      expect.arrayContaining([
        'dispatchoor_job_wait_seconds_bucket{le="15",group="g1"} 0',
        'dispatchoor_job_wait_seconds_bucket{le="30",group="g1"} 1',
        'dispatchoor_job_wait_seconds_count{group="g1"} 2',
      ]),
    );
  });

  it('forget the gauges of a group that is gone', async () => {
    const groups = [group];
    const clock = new FakeClock(noon);
    const metrics = open({
      clock,
      store: {
        catalog: { listGroupsWithStats: async () => [...groups] },
        jobs: { countQueue: async () => [] },
      },
    });
    await metrics.render();
    groups.length = 0;
    await clock.advance(1_000);
    expect((await metrics.render()).text).not.toContain('runners_total{group="g1"}');
  });

  it('are still told while the database is away, without what only it knows', async () => {
    const errors: unknown[] = [];
    const metrics = open({
      store: {
        catalog: {
          listGroupsWithStats: async () => {
            throw new Error('away');
          },
        },
        jobs: { countQueue: async () => [] },
      },
      onScrapeError: (error) => errors.push(error),
    });
    metrics.countDispatchCycle('ok');
    const lines = await linesOf(metrics);
    expect(lines).toContain('dispatchoor_dispatcher_cycles_total 1');
    expect(lines.some((line) => line.startsWith('dispatchoor_queue_size{'))).toBe(false);
    expect(errors).toHaveLength(1);
  });

  it('are rendered once for all who ask at the same time or within a second, so that a flood of scrapes stops nothing', async () => {
    let reads = 0;
    const clock = new FakeClock(noon);
    const metrics = open({
      clock,
      store: {
        catalog: {
          listGroupsWithStats: async () => {
            reads += 1;
            return [group];
          },
        },
        jobs: { countQueue: async () => [] },
      },
    });
    const [first, ...others] = await Promise.all(
      Array.from({ length: 5_000 }, () => metrics.render()),
    );
    expect(others.every((other) => other === first)).toBe(true);
    await clock.advance(999);
    expect(await metrics.render()).toBe(first);
    expect(reads).toBe(1);
    await clock.advance(1);
    await metrics.render();
    expect(reads).toBe(2);
  });

  it('show nothing older than a second, wherever the wall clock is put meanwhile', async () => {
    const clock = new FakeClock(noon);
    const metrics = open({ clock });
    await metrics.render();
    metrics.countEvent(event('job.enqueued'));
    clock.step(-3_600_000);
    await clock.advance(1_000);
    expect(await linesOf(metrics)).toContain('dispatchoor_jobs_created_total{group="g1"} 1');
  });

  it('of two registries are counted apart', async () => {
    const [one, other] = [open(), open()];
    one.countEvent(event('job.enqueued'));
    expect(await linesOf(other)).toContain('dispatchoor_jobs_created_total{group="g1"} 0');
  });
});
