import { describe, expect, it } from 'vitest';
import { databases, useDatabase } from '../databases.testkit.ts';
import { FORGE, fixtureOn, manual } from '../dispatch/dispatch.testkit.ts';
import type { NamedRunsAsked } from '../port/runs.ts';

for (const kind of databases) {
  describe(`runs that replies have named on ${kind.name}`, () => {
    const at = useDatabase(kind);
    const fixture = fixtureOn(at);
    const accept = (id = '', runId: string | null = null) =>
      fixture.dispatch().recordAccepted(id, { runId, runUrl: '' });
    const list = async (over: Partial<NamedRunsAsked> = {}) => {
      const place = { forgeId: FORGE, owner: 'ACME', repo: 'App' };
      const time = { claimedSince: 0, claimedUntil: at.clock.now() };
      const named = await fixture.runs().listNamedRuns({ ...place, ...time, limit: 10, ...over });
      return named.map(({ runId }) => runId);
    };

    it('are listed newest first, whatever became of them; none that is known by its time or name alone', async () => {
      await fixture.start();
      const fence = await fixture.lease();
      const claims = [];
      for (let n = 0; n < 4; n += 1) {
        claims.push((await fixture.claimNew(fence)).attempt);
        at.clock.advance(1_000);
      }
      const [old, byTime, ended, unnamed] = claims;
      await accept(old?.id, '1');
      await accept(byTime?.id);
      await fixture.runs().matchRun(byTime?.id ?? '', fixture.run('2'), 'order');
      await accept(ended?.id, '3');
      const over = fixture.run('3', { status: 'completed', conclusion: 'success' });
      await fixture.runs().recordRun(ended?.id ?? '', over, 100);
      await accept(unnamed?.id);
      expect(await list()).toEqual(['3', '1']);
      expect(await list({ limit: 1 })).toEqual(['3']);
      expect(await list({ claimedUntil: old?.forgeClaimedAt ?? 0 })).toEqual(['1']);
      expect(await list({ claimedSince: ended?.forgeClaimedAt ?? 0 })).toEqual(['3']);
      expect(await list({ forgeId: 'other' })).toEqual([]);
    });

    it('are found behind any number of later attempts, of other repositories or refused (a job ran twice)', async () => {
      await fixture.start();
      const fence = await fixture.lease();
      await accept((await fixture.claimNew(fence)).attempt.id, '1');
      const [named] = await fixture.runs().listLive(FORGE);
      await fixture.runs().recordRun(named?.id ?? '', fixture.run('1'), at.clock.now());
      for (let n = 0; n < 5; n += 1) {
        const there = await fixture.claimNew(fence, { ...manual, repo: 'other' });
        if (n === 0) await accept(there.attempt.id, '2');
        await fixture.claimNew(fence);
      }
      expect(await list({ limit: 1 })).toEqual(['1']);
      const [stamped] = await fixture.runs().listStamped(FORGE, 1);
      expect(stamped?.runId).toBe('1');
    });

    it('show how stamps stand, as do those found by their time after an answer that named none, and none after a lost one', async () => {
      await fixture.start();
      const fence = await fixture.lease();
      const [unnamed, lost] = [await fixture.claimNew(fence), await fixture.claimNew(fence)];
      await accept(unnamed.attempt.id);
      await fixture.dispatch().recordUnknown(lost.attempt.id, '502');
      await fixture.runs().matchRun(lost.attempt.id, fixture.run('2'), 'order');
      expect(await fixture.runs().listStamped(FORGE, 10)).toEqual([]);
      await fixture.runs().matchRun(unnamed.attempt.id, fixture.run('1'), 'order');
      const stamped = await fixture.runs().listStamped(FORGE, 10);
      expect(stamped.map(({ runId, matchedBy }) => [runId, matchedBy])).toEqual([['1', 'order']]);
    });
  });
}
