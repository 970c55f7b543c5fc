import { describe, expect, it } from 'vitest';
import {
  call,
  DISPATCH,
  dispatch,
  getRun,
  NOON,
  SECOND,
  smallWorld,
  startSim,
  TOKEN,
} from './sim.testkit.ts';

describe('a run on the simulated forge', () => {
  it('starts on a runner that fits, lasts as long as its job and succeeds', async () => {
    const sim = await startSim();
    const { id: runnerId } = sim.addRunner({ scope: 'org:acme', name: 'one', labels: ['Linux'] });
    const runId = await dispatch(sim);
    expect(getRun(sim, runId)).toMatchObject({ status: 'in_progress', createdByRequest: 1 });
    await sim.clock.advance(10 * SECOND);
    const run = getRun(sim, runId);
    expect(run).toMatchObject({ status: 'completed', conclusion: 'success', createdAt: NOON });
    expect(run.jobs[0]).toMatchObject({ runnerId, completedAt: NOON + 10 * SECOND });
    expect(sim.ledger().runners[0]?.busySpans).toEqual([
      { from: NOON, to: NOON + 10 * SECOND, runId, jobId: run.jobs[0]?.id },
    ]);
    expect(sim.schemaViolations).toEqual([]);
  });

  it('waits in the queue while no runner fits', async () => {
    const sim = await startSim();
    sim.addRunner({ scope: 'org:acme', name: 'windows', labels: ['windows'] });
    sim.addRunner({ scope: 'org:other', name: 'foreign', labels: ['linux'] });
    const runId = await dispatch(sim);
    await sim.clock.advance(60 * SECOND);
    expect(getRun(sim, runId).status).toBe('queued');
    sim.addRunner({ scope: 'repo:acme/app', name: 'late', labels: ['linux'] });
    expect(getRun(sim, runId).jobs[0]?.runnerName).toBe('late');
  });
});

describe('wait', () => {
  it('resolves on the change that makes it true', async () => {
    const sim = await startSim({ clock: 'real' });
    sim.addRunner({ scope: 'org:acme', name: 'one', labels: ['linux'] });
    const dispatched = sim.wait((ledger) => ledger.runs.length === 1);
    await Promise.all([dispatched, dispatch(sim)]);
    const ended = sim.wait((ledger) => ledger.runs[0]?.status === 'completed');
    await Promise.all([ended, sim.clock.advance(10 * SECOND)]);
  });

  it('rejects when it does not become true in time', async () => {
    const sim = await startSim();
    await expect(sim.wait(() => false, { timeoutMs: 5 })).rejects.toThrow('not true after 5 ms');
  });
});

describe('the same seed', () => {
  it('gives the same runs to the same runners', async () => {
    const takers = async (seed: number): Promise<(string | null | undefined)[]> => {
      const sim = await startSim({ seed });
      for (const name of 'abcdefgh') {
        sim.addRunner({ scope: 'org:acme', name, labels: ['linux'] });
      }
      for (let i = 0; i < 6; i += 1) await dispatch(sim);
      return sim.ledger().runs.map((run) => run.jobs[0]?.runnerName);
    };
    expect(await takers(7)).toEqual(await takers(7));
    expect(await takers(7)).not.toEqual(await takers(8));
  });
});

describe('seed', () => {
  it('names every place that is wrong', async () => {
    const sim = await startSim();
    const wrong = { repos: [{ owner: 'acme' }], runner: [] };
    expect(() => sim.seed(wrong as never)).toThrow(
      /world\.repos\[0\]: must have required property 'name'.*\(runner\)|\(runner\).*'name'/,
    );
    expect(() => sim.seed({ repos: [{ owner: 'nobody', name: 'x' }] })).toThrow(
      'nobody/x: no such owner, add it to owners',
    );
  });

  it('adds to what exists and replaces a workflow of the same file', async () => {
    const sim = await startSim();
    sim.seed({
      ...smallWorld,
      workflows: [{ owner: 'acme', repo: 'app', file: 'ci.yml', jobs: [] }],
    });
    const runId = await dispatch(sim);
    expect(getRun(sim, runId)).toMatchObject({ status: 'completed', conclusion: 'success' });
  });
});

describe('the ledger', () => {
  it('tells of each request whether the forge has acted, and never the token', async () => {
    const sim = await startSim();
    await dispatch(sim);
    await call(sim, DISPATCH, { body: { ref: 'nope' } });
    expect(sim.ledger().requests).toMatchObject([
      { endpoint: 'dispatch', owner: 'acme', repo: 'app', status: 200, acted: true },
      { endpoint: 'dispatch', status: 422, acted: false },
    ]);
    expect(JSON.stringify(sim.ledger())).not.toContain(TOKEN);
  });
});
