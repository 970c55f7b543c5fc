import type { Profile } from '@dispatchoor/forge-sim';
import { describe, expect, it } from 'vitest';
import { acme, LINUX, workflow } from './harness/fixtures.ts';
import { mostLiveRuns } from './harness/live-runs.ts';
import { startWorld } from './harness/start-world.ts';
import { databases } from './harness/world.ts';

const staged = workflow({
  file: 'staged.yaml',
  jobs: [
    { name: 'build', runsOn: [...LINUX], durationMs: 300 },
    { name: 'test', runsOn: [...LINUX], durationMs: 300, needs: ['build'] },
  ],
});
/** Between two workflow jobs the runner is free for longer than the runners are listed apart. */
const slowPickup: Profile = {
  ...{ replyMs: [0, 0], visibleMs: [0, 0], pickupMs: [400, 400], cancelMs: [0, 0] },
  ...{ runnerLostMs: 0, secondary: null },
};

for (const database of databases) {
  describe(`a run of two workflow jobs one after the other, on ${database.name}`, () => {
    it('keeps its runner between them', async () => {
      const forge = acme(1, { workflows: [staged] });
      const world = await startWorld({ database, forge, sim: { profile: slowPickup } });
      const job = { template_id: 'build', workflow_id: 'staged.yaml', inputs: {} };
      const jobs = [await world.api.enqueue('linux', job), await world.api.enqueue('linux', job)];
      for (const { id } of jobs) await world.job(id, 'completed');
      expect(mostLiveRuns(world.ourRuns())).toBe(1);
    });
  });
}
