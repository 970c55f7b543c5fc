import { describe, expect, it } from 'vitest';
import type { MatchedBy } from '../../domain/attempt.ts';
import { databases, useDatabase } from '../databases.testkit.ts';
import { FORGE, fixtureOn } from '../dispatch/dispatch.testkit.ts';

for (const kind of databases) {
  describe(`attempts with a run by its time alone, on ${kind.name}`, () => {
    const at = useDatabase(kind);
    const fixture = fixtureOn(at);
    const { start, lease, claimNew, dispatch, run, runs } = fixture;
    let count = 0;

    /** Each a second after the one before. */
    const claim = async (over = {}) => {
      at.clock.advance(1_000);
      return (await claimNew(await lease(), over)).attempt;
    };
    const take = async (attemptId: string, matchedBy: MatchedBy) => {
      count += 1;
      const taken = run(String(count));
      expect(await runs().matchRun(attemptId, taken, matchedBy)).toBe(true);
      return taken;
    };
    /** Its answer named no run, which is found then. */
    const accepted = async (matchedBy: MatchedBy, over = {}) => {
      const attempt = await claim(over);
      await dispatch().recordAccepted(attempt.id, { runId: null, runUrl: '' });
      return { ...attempt, run: await take(attempt.id, matchedBy) };
    };
    /** Its answer was lost. */
    const found = async (matchedBy: MatchedBy, over = {}) => {
      const attempt = await claim(over);
      await dispatch().recordUnknown(attempt.id, '502');
      return { ...attempt, run: await take(attempt.id, matchedBy) };
    };
    const end = async (one: Awaited<ReturnType<typeof accepted>>) => {
      const over = { status: 'completed', conclusion: 'success' } as const;
      await runs().recordRun(one.id, { ...one.run, ...over }, 100);
    };
    const acceptedSince = async (since: number) =>
      (await runs().listAcceptedByTime(FORGE, since)).map(({ id }) => id);
    const guessedSince = async (since: number) =>
      (await runs().listGuessed(FORGE, since)).map(({ id }) => id);

    it('are told apart by whether the forge has said that they have one, live and ended ones', async () => {
      await start();
      const sure = [await accepted('order'), await accepted('order')];
      const lost = [await found('order'), await found('order')];
      await end(sure[0]!);
      await end(lost[0]!);
      expect((await runs().listLive(FORGE)).map(({ id }) => id)).toEqual([
        sure[1]!.id,
        lost[1]!.id,
      ]);
      expect(await acceptedSince(0)).toEqual(sure.map(({ id }) => id));
      expect(await guessedSince(0)).toEqual(lost.map(({ id }) => id));
    });

    it('are those claimed since a moment, and at it', async () => {
      await start();
      const [first, second] = [await accepted('order'), await accepted('order')];
      expect(await acceptedSince(first.claimedAt)).toEqual([first.id, second.id]);
      expect(await acceptedSince(first.claimedAt + 1)).toEqual([second.id]);
      expect(await acceptedSince(second.claimedAt + 1)).toEqual([]);
    });

    it('are not those whose run bears their id, was named by the answer, or is not known', async () => {
      await start();
      await fixture.addTemplate('u', { correlationInput: 'id' });
      await accepted('input');
      // Known by its id: what is made in its time is another's.
      await accepted('order', { templateId: 'u' });
      const named = await claim();
      await dispatch().recordAccepted(named.id, { runId: 'of the answer', runUrl: '' });
      const open = await claim();
      await dispatch().recordAccepted(open.id, { runId: null, runUrl: '' });
      expect(await acceptedSince(0)).toEqual([]);
    });

    it('are those of the forge that is asked for', async () => {
      await start();
      await accepted('order');
      expect(await runs().listAcceptedByTime('another', 0)).toEqual([]);
    });
  });
}
