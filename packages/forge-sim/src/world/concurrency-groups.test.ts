import { describe, expect, it } from 'vitest';
import type { ForgeSim, WorkflowSpec } from '../index.ts';
import { call, dispatch, getRun, SECOND, smallWorld, startSim, workflow } from '../sim.testkit.ts';

/** Three runners, so that it is never they that a run waits for. */
async function simWith(spec: Partial<WorkflowSpec>): Promise<ForgeSim> {
  const labels = ['linux'];
  const sim = await startSim(
    {},
    {
      ...smallWorld,
      runners: [1, 2, 3].map((n) => ({ scope: 'org:acme', name: `r${n}`, labels })),
    },
  );
  const jobs = [{ name: 'test', runsOn: labels, durationMs: 10 * SECOND }];
  sim.seed({ workflows: [workflow({ jobs, ...spec })] });
  return sim;
}

function statesOf(sim: ForgeSim, ...runIds: number[]): string[] {
  return runIds.map((runId) => {
    const { status, conclusion } = getRun(sim, runId);
    return conclusion ?? status;
  });
}

describe('a concurrency group', () => {
  it('runs one, keeps one pending, and cancels the older pending one for a newer', async () => {
    const sim = await simWith({ concurrency: { group: 'deploy' } });
    const first = await dispatch(sim);
    const second = await dispatch(sim);
    expect(statesOf(sim, first, second)).toEqual(['in_progress', 'pending']);
    const third = await dispatch(sim);
    expect(statesOf(sim, first, second, third)).toEqual(['in_progress', 'cancelled', 'pending']);
    expect(getRun(sim, second).cancelRequestedAt).toBeUndefined();
    await sim.clock.advance(10 * SECOND);
    expect(statesOf(sim, first, third)).toEqual(['success', 'in_progress']);
    await sim.clock.advance(10 * SECOND);
    expect(statesOf(sim, third, await dispatch(sim))).toEqual(['success', 'in_progress']);
    expect(sim.schemaViolations).toEqual([]);
  });

  it('with cancel-in-progress cancels the running one too', async () => {
    const sim = await simWith({ concurrency: { group: 'deploy', cancelInProgress: true } });
    const first = await dispatch(sim);
    const second = await dispatch(sim);
    expect(statesOf(sim, first, second)).toEqual(['cancelled', 'in_progress']);
  });

  it('waits for a running one that goes on after its cancel', async () => {
    const stubborn = { name: 'a', runsOn: ['linux'], durationMs: 9 * SECOND, ignoresCancel: true };
    const concurrency = { group: 'deploy', cancelInProgress: true };
    const sim = await simWith({ jobs: [stubborn], concurrency });
    const first = await dispatch(sim);
    const second = await dispatch(sim);
    expect(statesOf(sim, first, second)).toEqual(['in_progress', 'pending']);
    await sim.clock.advance(9 * SECOND);
    expect(statesOf(sim, first, second)).toEqual(['cancelled', 'in_progress']);
  });

  it('is told apart by inputs and ref, not by case', async () => {
    const sim = await simWith({
      inputs: { target: { required: true } },
      refs: ['main', 'dev'],
      concurrency: { group: '${{ github.ref }}-${{ inputs.target }}' },
    });
    const first = await dispatch(sim, { target: 'prod' });
    const other = await dispatch(sim, { target: 'test' });
    const same = await dispatch(sim, { target: 'PROD' });
    expect(statesOf(sim, first, other, same)).toEqual(['in_progress', 'in_progress', 'pending']);
  });

  it('lets one go that was cancelled, deleted or re-run', async () => {
    const sim = await simWith({ concurrency: { group: 'deploy' } });
    const first = await dispatch(sim);
    const second = await dispatch(sim);
    await call(sim, `POST /repos/acme/app/actions/runs/${second}/cancel`);
    const third = await dispatch(sim);
    sim.deleteRun(first);
    expect(statesOf(sim, second, third)).toEqual(['cancelled', 'in_progress']);
    sim.rerun(second);
    expect(statesOf(sim, second)).toEqual(['pending']);
    expect(() => sim.releaseGate(second)).toThrow('waits for its concurrency group');
    sim.completeRun(third, 'failure');
    expect(statesOf(sim, second)).toEqual(['in_progress']);
  });

  it('of a gated workflow is entered before the gate', async () => {
    const sim = await simWith({ concurrency: { group: 'deploy' }, gate: 'waiting' });
    const first = await dispatch(sim);
    const second = await dispatch(sim);
    expect(statesOf(sim, first, second)).toEqual(['waiting', 'pending']);
    sim.completeRun(first, 'success');
    expect(statesOf(sim, second)).toEqual(['waiting']);
  });
});
