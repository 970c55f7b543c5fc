import { describe, expect, it } from 'vitest';
import { databases } from '../../src/store/databases.testkit.ts';
import { acme, linuxGroup, template, workflow } from '../harness/fixtures.ts';
import { listAttempts } from '../processes/rows.ts';
import { Site } from '../processes/site.ts';
import { verify } from '../processes/verify/verify.ts';

/** Its runs bear the attempt that made them in their name: however many die together, none is taken for another. */
const named = workflow({
  file: 'named.yaml',
  runName: 'Build ${{ inputs.dispatch-id }}',
  inputs: { 'dispatch-id': { default: '' }, note: { default: '' } },
  jobs: [{ name: 'build', runsOn: ['linux'], durationMs: 100 }],
});

const groups = {
  github: [
    {
      ...linuxGroup,
      workflow_dispatch_templates: [
        template({ id: 'named', workflow_id: 'named.yaml', correlation_input: 'dispatch-id' }),
      ],
    },
  ],
};

const NOTES = Array.from({ length: 12 }, (_, index) => `job ${index + 1}`);

/** Each leaves dispatches in several windows at a time. */
const DEATHS = [
  { window: 'replied-unrecorded', hit: 3 },
  { window: 'claimed-unsent', hit: 3 },
] as const;

for (const database of databases) {
  describe.concurrent(`a server killed among many dispatches on ${database.name}`, () => {
    it('and its successor killed too lose no job and start none twice', async (context) => {
      const forge = acme(6, { workflows: [named] });
      const site = await Site.open({ database, forge, groups, templateId: 'named' }, context);
      const [first, second] = DEATHS;
      const doomed = await site.start({ dieAt: first });
      await site.api.pauseGroup('linux');
      const jobs = await site.enqueue(NOTES);
      await site.api.unpauseGroup('linux').catch(() => undefined);
      expect(await doomed.exited).toMatchObject({ signal: 'SIGKILL' });
      const successor = await site.spawn({ dieAt: second });
      expect(await successor.exited).toMatchObject({ signal: 'SIGKILL' });
      await site.start();
      await verify(site, jobs);
      const attempts = await listAttempts(site.database);
      const unsent = attempts.filter(({ state }) => state === 'absent' || state === 'refused');
      expect(attempts.length - unsent.length).toBe(NOTES.length);
      expect(site.dispatches()).toHaveLength(NOTES.length);
    });
  });
}
