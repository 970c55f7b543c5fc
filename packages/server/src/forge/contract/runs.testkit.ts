import { describe, expect, it } from 'vitest';
import {
  dispatchOf,
  failureOf,
  forever,
  requestsOf,
  type StartForge,
  startRun,
} from './world.testkit.ts';

export function runsContract(start: StartForge): void {
  describe('runs', () => {
    it('are listed newest first, with their name, path, branch and actor', async () => {
      const { forge, sim, clock } = await start();
      await forge.dispatch(dispatchOf({ inputs: { attempt: 'a1' } }), forever);
      await sim.clock.advance(2_000);
      const { runId } = await forge.dispatch(
        dispatchOf({ ref: 'next', inputs: { attempt: 'a2' } }),
        forever,
      );
      const filter = { createdSince: clock.now() - 60_000 };
      const listing = await forge.listRuns('acme', 'app', filter, forever);
      expect(listing.isComplete).toBe(true);
      expect(listing.runs.map((run) => run.name)).toEqual(['CI a2', 'CI a1']);
      expect(listing.runs[0]).toMatchObject({
        id: runId,
        attempt: 1,
        path: '.github/workflows/ci.yml',
        event: 'workflow_dispatch',
        branch: 'next',
        actor: 'bot',
        status: 'queued',
        conclusion: null,
        createdAt: clock.now() + 2_000,
      });
    });

    it('are listed by time of creation and by workflow', async () => {
      const { forge, sim, clock } = await start();
      await forge.dispatch(dispatchOf({ inputs: { attempt: 'old' } }), forever);
      await sim.clock.advance(60_000);
      const createdSince = clock.now() + 60_000;
      await forge.dispatch(dispatchOf({ inputs: { attempt: 'new' } }), forever);
      await forge.dispatch(dispatchOf({ workflowId: 'matrix.yml', inputs: {} }), forever);
      const all = await forge.listRuns('acme', 'app', { createdSince }, forever);
      expect(all.runs).toHaveLength(2);
      const some = { createdSince, workflowId: 'ci.yml' };
      const { runs } = await forge.listRuns('acme', 'app', some, forever);
      expect(runs.map((run) => run.name)).toEqual(['CI new']);
    });

    it('are listed on all pages', async () => {
      const { forge, sim, clock } = await start();
      await Promise.all(Array.from({ length: 130 }, () => forge.dispatch(dispatchOf(), forever)));
      const filter = { createdSince: clock.now() - 1_000 };
      const listing = await forge.listRuns('acme', 'app', filter, forever);
      expect(listing.isComplete).toBe(true);
      expect(new Set(listing.runs.map((run) => run.id)).size).toBe(130);
      expect(requestsOf(sim, 'listRuns')).toHaveLength(2);
    });

    it('of which one is odd are listed without it, and nothing may be concluded from what is not there', async () => {
      const { forge, sim, clock } = await start();
      const { runId } = await forge.dispatch(dispatchOf(), forever);
      await forge.dispatch(dispatchOf(), forever);
      const odd = {
        on: 'listRuns',
        kind: 'odd-entry',
        field: 'created_at',
        id: Number(runId),
      } as const;
      sim.addFault({ ...odd, times: Infinity });
      const filter = { createdSince: clock.now() - 60_000 };
      const listing = await forge.listRuns('acme', 'app', filter, forever);
      expect(listing.isComplete).toBe(false);
      expect(listing.runs).toHaveLength(1);
      sim.clearFaults();
      const whole = await forge.listRuns('acme', 'app', filter, forever);
      expect(whole).toMatchObject({ isComplete: true });
      expect(whole.runs).toHaveLength(2);
    });

    it.each(['created_at', 'updated_at'])(
      'of which one of long ago is odd (%s) are complete in a plain listing: it is none of those asked for',
      async (field) => {
        const { forge, sim, clock } = await start();
        const { runId: first } = await forge.dispatch(dispatchOf(), forever);
        await forge.dispatch(dispatchOf(), forever);
        await sim.clock.advance(60_000);
        const { runId: newest } = await forge.dispatch(dispatchOf(), forever);
        const list = () => {
          const filter = { createdSince: clock.now() + 30_000, isPlain: true };
          return forge.listRuns('acme', 'app', filter, forever);
        };
        const odd = { on: 'listRuns', kind: 'odd-entry', field } as const;
        sim.addFault({ ...odd, id: Number(first) });
        expect(await list()).toMatchObject({ isComplete: true, runs: [{ id: newest }] });
        sim.addFault({ ...odd, id: Number(newest) });
        expect(await list()).toMatchObject({ isComplete: false, runs: [] });
      },
    );

    it('are read one by one', async () => {
      const { forge, sim } = await start();
      sim.addRunner({ scope: 'org:acme', name: 'r', labels: ['linux'] });
      const runId = await startRun(forge);
      expect((await forge.getRun('acme', 'app', runId, forever)).run).toMatchObject({
        id: runId,
        status: 'in_progress',
      });
      await sim.clock.advance(60_000);
      expect((await forge.getRun('acme', 'app', runId, forever)).run).toMatchObject({
        status: 'completed',
        conclusion: 'success',
      });
      sim.deleteRun(Number(runId));
      const error = await failureOf(forge.getRun('acme', 'app', runId, forever));
      expect(error).toMatchObject({ code: 'not-found', acted: 'no' });
    });

    it('show their workflow jobs and who runs them', async () => {
      const { forge, sim } = await start();
      const { id } = sim.addRunner({ scope: 'org:acme', name: 'r', labels: ['linux'] });
      const runId = await startRun(forge);
      const { jobs } = await forge.listRunJobs('acme', 'app', runId, forever);
      expect(jobs).toMatchObject([
        {
          runId,
          runAttempt: 1,
          name: 'build',
          status: 'in_progress',
          labels: ['linux'],
          runnerId: String(id),
          runnerName: 'r',
        },
      ]);
    });

    it('show workflow jobs on all pages, those that wait without a runner', async () => {
      const { forge, sim } = await start();
      const runId = await startRun(forge, { workflowId: 'matrix.yml', inputs: {} });
      const { jobs } = await forge.listRunJobs('acme', 'app', runId, forever);
      expect(new Set(jobs.map((job) => job.id)).size).toBe(130);
      expect(jobs.every((job) => job.runnerId === null && job.runnerName === '')).toBe(true);
      expect(requestsOf(sim, 'listRunJobs')).toHaveLength(2);
    });

    it('that were started again show the jobs of the latest attempt', async () => {
      const { forge, sim } = await start();
      sim.addRunner({ scope: 'org:acme', name: 'r', labels: ['linux'] });
      const runId = await startRun(forge);
      await sim.clock.advance(60_000);
      sim.rerun(Number(runId));
      const { run } = await forge.getRun('acme', 'app', runId, forever);
      expect(run.attempt).toBe(2);
      const { jobs } = await forge.listRunJobs('acme', 'app', runId, forever);
      expect(jobs).toMatchObject([{ runAttempt: 2 }]);
    });

    it('that were started again still tell how their first attempt ended', async () => {
      const { forge, sim } = await start();
      const runId = await startRun(forge);
      sim.completeRun(Number(runId), 'failure');
      sim.rerun(Number(runId));
      const { run } = await forge.getFirstAttempt('acme', 'app', runId, forever);
      expect(run).toMatchObject({ id: runId, attempt: 1, status: 'completed' });
      expect(run.conclusion).toBe('failure');
    });
  });
}

export function cancelContract(start: StartForge): void {
  describe.each(['cancel', 'force-cancel'] as const)('%s', (how) => {
    it('ends a run; its 202 is success (defect #19)', async () => {
      const { forge, sim } = await start();
      const runId = await startRun(forge);
      await forge.cancelRun('acme', 'app', runId, how, forever);
      expect(sim.ledger().runs[0]).toMatchObject({ conclusion: 'cancelled' });
      expect(sim.ledger().requests).toHaveLength(2);
    });

    it('of a run that is over is success', async () => {
      const { forge, sim } = await start();
      const runId = await startRun(forge);
      sim.completeRun(Number(runId), 'failure');
      await forge.cancelRun('acme', 'app', runId, how, forever);
      expect(sim.ledger().runs[0]).toMatchObject({ conclusion: 'failure' });
    });

    it('of a run that is gone is success', async () => {
      const { forge, sim } = await start();
      const runId = await startRun(forge);
      sim.deleteRun(Number(runId));
      await forge.cancelRun('acme', 'app', runId, how, forever);
    });

    it('that gets no answer leaves open whether it acted', async () => {
      const { forge, sim } = await start();
      const runId = await startRun(forge);
      sim.addFault({ on: '*', kind: 'reset-after' });
      const error = await failureOf(forge.cancelRun('acme', 'app', runId, how, forever));
      expect(error).toMatchObject({ code: 'unavailable', acted: 'unknown' });
    });
  });
}
