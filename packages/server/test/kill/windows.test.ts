import { describe, expect, it } from 'vitest';
import { databases } from '../../src/store/databases.testkit.ts';
import type { KillWindow } from '../processes/kill-window.ts';
import { listAttempts } from '../processes/rows.ts';
import type { ServerProcess } from '../processes/server-process.ts';
import { Site } from '../processes/site.ts';
import { verify } from '../processes/verify/verify.ts';

interface Expected {
  readonly window: KillWindow;
  /** What the dead server left: attempts by state, and what the forge has seen. */
  readonly attempts: readonly string[];
  readonly dispatches: number;
  readonly runs: number;
  /** What became of the attempts of the job that was hit. */
  readonly outcome: readonly string[];
}

const WINDOWS: readonly Expected[] = [
  {
    ...{ window: 'before-claim', attempts: [], dispatches: 0, runs: 0 },
    outcome: ['accepted'],
  },
  {
    ...{ window: 'claimed-unsent', attempts: ['claimed'], dispatches: 0, runs: 0 },
    outcome: ['absent', 'accepted'],
  },
  {
    ...{ window: 'sent-no-reply', attempts: ['claimed'], dispatches: 1, runs: 1 },
    outcome: ['found'],
  },
  {
    ...{ window: 'replied-unrecorded', attempts: ['claimed'], dispatches: 1, runs: 1 },
    outcome: ['found'],
  },
  {
    ...{ window: 'recorded', attempts: ['accepted'], dispatches: 1, runs: 1 },
    outcome: ['accepted'],
  },
];

/** The one runner is the first job's until that has ended: whatever dies, the others stand behind it. */
const NOTES = ['hit', 'behind it', 'behind both'];

for (const database of databases) {
  describe.concurrent(`a server killed in a dispatch on ${database.name}`, () => {
    it.for(WINDOWS)('($window) leaves what the next one ends right', async (expected, context) => {
      const { window, attempts, dispatches, runs, outcome } = expected;
      const site = await Site.open({ database }, context);
      const first = await startFirst(site, window);
      const jobs = await site.enqueue(NOTES);
      await goAndDie(site, first, window);
      expect((await listAttempts(site.database)).map(({ state }) => state)).toEqual(attempts);
      expect(site.dispatches()).toHaveLength(dispatches);
      expect(site.ourRuns()).toHaveLength(runs);
      await site.start();
      await verify(site, jobs);
      const states = (await listAttempts(site.database)).map(({ state }) => state);
      expect(states).toEqual([...outcome, 'accepted', 'accepted']);
      expect(site.dispatches()).toHaveLength(NOTES.length);
    });
  });
}

async function startFirst(site: Site, window: KillWindow): Promise<ServerProcess> {
  // The reply is the forge's to keep back: here the kill comes from outside.
  if (window === 'sent-no-reply') site.sim.addFault({ on: 'dispatch', kind: 'hold' });
  const server = await site.start(window === 'sent-no-reply' ? {} : { dieAt: { window } });
  await site.api.pauseGroup('linux');
  return server;
}

/** Nothing is claimed before the whole queue stands. */
async function goAndDie(site: Site, server: ServerProcess, window: KillWindow): Promise<void> {
  // The server may be dead before it can answer.
  const going = site.api.unpauseGroup('linux').catch(() => undefined);
  if (window === 'sent-no-reply') {
    await site.runs(1);
    await server.kill('SIGKILL');
  }
  const { signal } = await server.exited;
  expect(signal).toBe('SIGKILL');
  await going;
}
