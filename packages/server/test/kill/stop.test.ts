import { describe, expect, it } from 'vitest';
import { databases } from '../../src/store/databases.testkit.ts';
import { acme } from '../harness/fixtures.ts';
import { listAttempts } from '../processes/rows.ts';
import { Site } from '../processes/site.ts';
import { verify } from '../processes/verify/verify.ts';

const NOTES = Array.from({ length: 24 }, (_, index) => `job ${index + 1}`);

for (const database of databases) {
  describe.concurrent(`a server told to stop on ${database.name}`, () => {
    it('under load ends by itself, in time, and the next one does the rest', async (context) => {
      const site = await Site.open({ database, forge: acme(4) }, context);
      const first = await site.start();
      const jobs = await site.enqueue(NOTES, { 'duration-ms': '200' });
      await site.runs(6);
      // Had it not ended within its 10 s, the code would be 1.
      expect(await first.kill('SIGTERM')).toEqual({ code: 0, signal: null });
      expect(site.ourRuns().length).toBeLessThan(NOTES.length);
      await site.start();
      await verify(site, jobs);
      expect(site.dispatches()).toHaveLength(NOTES.length);
    });

    it('still records the answer to a dispatch that was under way', async (context) => {
      const site = await Site.open({ database }, context);
      const first = await site.start();
      const { id: fault } = site.sim.addFault({ on: 'dispatch', kind: 'hold' });
      const jobs = await site.enqueue(['under way', 'behind it']);
      await site.runs(1);
      const ended = first.kill('SIGTERM');
      await first.says('stopping');
      site.sim.release(fault);
      expect(await ended).toEqual({ code: 0, signal: null });
      const [attempt, ...others] = await listAttempts(site.database);
      expect(attempt).toMatchObject({ state: 'accepted', run_id: String(site.ourRuns()[0]?.id) });
      expect(others, 'nothing new is sent by a server that stops').toEqual([]);
      await site.start();
      await verify(site, jobs);
    });
  });
}
