import { describe, expect, it } from 'vitest';
import { databases, useDatabase } from '../databases.testkit.ts';
import { FORGE, fixtureOn } from '../dispatch/dispatch.testkit.ts';

for (const kind of databases) {
  describe(`runs that replies have named on ${kind.name}`, () => {
    const at = useDatabase(kind);
    const fixture = fixtureOn(at);

    it('are listed newest first, whatever became of them; none that is known by its time or name alone', async () => {
      await fixture.start();
      const fence = await fixture.lease();
      const claims = [];
      for (let n = 0; n < 4; n += 1) claims.push((await fixture.claimNew(fence)).attempt);
      const [old, byTime, ended, ofOther] = claims;
      const accept = (id = '', runId: string | null = null) =>
        fixture.dispatch().recordAccepted(id, { runId, runUrl: '' });
      await accept(old?.id, '1');
      await accept(byTime?.id);
      await fixture.runs().matchRun(byTime?.id ?? '', fixture.run('2'), 'order');
      await accept(ended?.id, '3');
      const over = fixture.run('3', { status: 'completed', conclusion: 'success' });
      await fixture.runs().recordRun(ended?.id ?? '', over, 100);
      await accept(ofOther?.id);
      const list = (limit: number, forgeId = FORGE) => fixture.runs().listNamedRuns(forgeId, limit);
      expect((await list(10)).map(({ runId }) => runId)).toEqual(['3', '1']);
      expect((await list(10))[1]).toMatchObject({ owner: 'acme', repo: 'app' });
      expect((await list(3)).map(({ runId }) => runId)).toEqual(['3']);
      expect(await list(10, 'other')).toEqual([]);
    });
  });
}
