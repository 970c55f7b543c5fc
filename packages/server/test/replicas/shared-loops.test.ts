import type { Job } from '@dispatchoor/api-contract';
import { describe, expect, it, type TestContext } from 'vitest';
import { acme, LONG } from '../harness/fixtures.ts';
import type { ServerProcess } from '../processes/server-process.ts';
import { Site } from '../processes/site.ts';
import { verify } from '../processes/verify/verify.ts';
import { holdersOf, LOOPS, postgres, sumOfCounters } from './pair.ts';

/** One server was there first and has every loop but the dispatcher's, which it leaves to the other. */
interface Pair {
  readonly site: Site;
  readonly tracking: ServerProcess;
  readonly dispatching: ServerProcess;
}

/** Nothing is given up, or given back, because the machine is busy: each job is then to be sent once. */
const PATIENT = {
  github: { request_timeout: '30s' },
  dispatcher: { send_deadline: '20s', run_lookup_timeout: '90s', pickup_timeout: '90s' },
};

async function startPair(runnerCount: number, context: TestContext): Promise<Pair> {
  const scenario = { database: postgres, forge: acme(runnerCount), config: PATIENT };
  const site = await Site.open(scenario, context);
  const tracking = await site.start({ isDispatcher: false });
  await holdersOf(
    site,
    [tracking],
    LOOPS.filter((loop) => loop !== 'dispatch:github'),
  );
  const dispatching = await site.start();
  return { site, tracking, dispatching };
}

async function enqueueAt(site: Site, server: ServerProcess, from: number): Promise<Job[]> {
  site.ask(server);
  const notes = Array.from({ length: 20 }, (_, index) => `job ${from + index}`);
  return site.enqueue(notes);
}

describe.concurrent('two servers on one PostgreSQL database', () => {
  it('share the loops, and run the jobs that either was given once each', async (context) => {
    const { site, tracking, dispatching } = await startPair(6, context);
    const both = [tracking, dispatching];
    const jobs = [
      ...(await enqueueAt(site, tracking, 1)),
      ...(await enqueueAt(site, dispatching, 21)),
    ];
    await verify(site, jobs);
    expect(site.dispatches()).toHaveLength(40);
    expect(await holdersOf(site, both)).toEqual({
      'cancel-runs:github': tracking.name,
      'dispatch:github': dispatching.name,
      'poll-runners:github': tracking.name,
      retention: tracking.name,
      'take-webhooks:github': tracking.name,
      'track-runs:github': tracking.name,
    });
    await sumOfCounters(site, both, {
      'dispatchoor_jobs_created_total{group="linux"}': 40,
      'dispatchoor_jobs_triggered_total{group="linux"}': 40,
      'dispatchoor_jobs_completed_total{group="linux"}': 40,
      'dispatchoor_jobs_failed_total{group="linux"}': 0,
      'dispatchoor_claims_returned_total{group="linux"}': 0,
      dispatchoor_dispatcher_dispatches_total: 40,
      'dispatchoor_queue_size{group="linux",status="pending"}': 0,
    });
  });

  it('know each other’s sessions, and carry out each other’s cancels', async (context) => {
    const { site, tracking, dispatching } = await startPair(1, context);
    site.ask(tracking);
    const [running, waiting] = await site.enqueue(['running', 'waiting'], LONG);
    if (running === undefined || waiting === undefined) throw new Error('two were added');
    await site.runs(1);
    await site.job(running.id, 'running');
    site.ask(dispatching);
    expect((await site.api.cancel(running.id)).status).toBe(200);
    // The loop that cancels runs lives in the other server.
    await site.sim.wait(({ runs }) => runs[0]?.conclusion === 'cancelled', {
      timeoutMs: site.giveUpAfterMs,
    });
    site.ask(tracking);
    expect((await site.api.job(running.id)).status).toBe('cancelled');
    const { run_id: runId } = await site.job(waiting.id, 'running');
    site.sim.completeRun(runId ?? 0, 'success');
    await site.job(waiting.id, 'completed');
    expect(site.ourRuns()).toHaveLength(2);
    expect((await site.api.ask('/api/v1/auth/logout', { method: 'POST' })).status).toBe(204);
    site.ask(dispatching);
    expect((await site.api.ask('/api/v1/auth/me')).status, 'logged out there too').toBe(401);
  });
});
