import { describe, expect, it } from 'vitest';
import type { ForgeSim } from '../index.ts';
import {
  call,
  dispatch,
  getRun,
  NOON,
  SECOND,
  smallWorld,
  startSim,
  workflow,
} from '../sim.testkit.ts';

const runs = '/repos/acme/app/actions/runs';

function addLinux(sim: ForgeSim): void {
  sim.addRunner({ scope: 'org:acme', name: 'linux', labels: ['linux'] });
}

describe('cancel', () => {
  it('ends a queued run without a runner', async () => {
    const sim = await startSim();
    const runId = await dispatch(sim);
    const reply = await call(sim, `POST ${runs}/${runId}/cancel`);
    expect(reply).toMatchObject({ status: 202, body: {} });
    const run = getRun(sim, runId);
    expect(run).toMatchObject({ conclusion: 'cancelled', cancelRequestedAt: NOON });
    expect(run.jobs[0]).toMatchObject({ conclusion: 'cancelled', runnerId: null });
  });

  it('frees the runner of a running job, and starts no other job of the run on it', async () => {
    const one = { runsOn: ['linux'], durationMs: 10 * SECOND };
    const jobs = [
      { name: 'a', ...one },
      { name: 'b', ...one },
    ];
    const sim = await startSim({}, { ...smallWorld, workflows: [workflow({ jobs })] });
    addLinux(sim);
    const runId = await dispatch(sim);
    await call(sim, `POST ${runs}/${runId}/cancel`);
    expect(getRun(sim, runId).jobs.map((job) => job.runnerId)).toEqual([1, null]);
    expect(sim.ledger().runners[0]?.busySpans).toHaveLength(1);
  });

  it('answers 409 for a run that has ended', async () => {
    const sim = await startSim();
    addLinux(sim);
    const runId = await dispatch(sim);
    await sim.clock.advance(10 * SECOND);
    for (const verb of ['cancel', 'force-cancel']) {
      const reply = await call(sim, `POST ${runs}/${runId}/${verb}`);
      expect(reply.status).toBe(409);
      expect(reply.body.message).toBe('Cannot cancel a workflow run that is completed.');
    }
    expect(sim.schemaViolations).toEqual([]);
  });

  it('ends the jobs after the time of the profile', async () => {
    const sim = await startSim({ profile: slowCancel });
    addLinux(sim);
    const runId = await dispatch(sim);
    await call(sim, `POST ${runs}/${runId}/cancel`);
    expect(getRun(sim, runId).status).toBe('in_progress');
    await sim.clock.advance(2 * SECOND);
    expect(getRun(sim, runId).conclusion).toBe('cancelled');
  });

  it('does not end a job that ignores it; a force-cancel does', async () => {
    const job = { name: 'a', runsOn: ['linux'], durationMs: 600 * SECOND, ignoresCancel: true };
    const sim = await startSim({}, { ...smallWorld, workflows: [workflow({ jobs: [job] })] });
    addLinux(sim);
    const runId = await dispatch(sim);
    await call(sim, `POST ${runs}/${runId}/cancel`);
    await sim.clock.advance(300 * SECOND);
    expect(getRun(sim, runId).status).toBe('in_progress');
    expect((await call(sim, `POST ${runs}/${runId}/force-cancel`)).status).toBe(202);
    expect(getRun(sim, runId).conclusion).toBe('cancelled');
  });

  it('answers 404 for a run of another repository, and for none', async () => {
    const sim = await startSim();
    const runId = await dispatch(sim);
    const foreign = await call(sim, `POST /repos/jane/dotfiles/actions/runs/${runId}/cancel`);
    expect(foreign.status).toBe(404);
    expect((await call(sim, `POST ${runs}/1/cancel`)).status).toBe(404);
  });
});

const slowCancel = {
  replyMs: [0, 0],
  visibleMs: [0, 0],
  pickupMs: [0, 0],
  cancelMs: [2 * SECOND, 2 * SECOND],
  runnerLostMs: 0,
  secondary: null,
} as const;
