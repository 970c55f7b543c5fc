import { describe, expect, it } from 'vitest';
import { databases, useDatabase } from '../databases.testkit.ts';
import { fixtureOn, manual } from '../dispatch/dispatch.testkit.ts';
import type { HistoryQuery } from '../port/jobs.ts';
import { historyCursorOf, parseHistoryCursor } from './history-cursor.ts';

describe('a history cursor', () => {
  const at = Date.UTC(2026, 0, 2, 3, 4, 5, 678);

  it('starts with the time, as RFC 3339', () => {
    const cursor = historyCursorOf({ completedAt: at, id: 'abc-1' });
    expect(cursor).toBe('2026-01-02T03:04:05.678Z~abc-1');
    expect(parseHistoryCursor(cursor)).toEqual({ before: at, id: 'abc-1' });
  });

  it.each([
    ['2026-01-02T03:04:05.678Z', at],
    ['2026-01-02T05:04:05.678+02:00', at],
    ['2026-01-02T03:04:05.6780000Z', at],
    ['2026-01-02T03:04:05.678000001Z', at + 1],
    ['2026-01-02t03:04:05z', at - 678],
    ['2026-01-02T03:04:05.6Z', at - 78],
  ])('of the predecessor, %s, is read too', (text, before) => {
    expect(parseHistoryCursor(text)).toEqual({ before, id: null });
  });

  it.each(['', 'yesterday', '2026-13-01T00:00:00Z', '2026-01-02', '2026-01-02T03:04:05Z~\0'])(
    'that is none, %j, is passed over',
    (text) => {
      expect(parseHistoryCursor(text)).toBeUndefined();
    },
  );
});

for (const kind of databases) {
  describe(`the history on ${kind.name}`, () => {
    const at = useDatabase(kind);
    const fixture = fixtureOn(at);
    const { start, jobs, lease, claimNew, dispatch, runs, run } = fixture;
    const all: HistoryQuery = {
      ...{ limit: 50, before: null, labels: {} },
      states: ['completed', 'failed', 'cancelled'],
    };
    const history = (over: Partial<HistoryQuery> = {}) =>
      jobs().listHistory('g', { ...all, ...over });

    let runCount = 0;
    /** A job that has ended. */
    const end = async (conclusion: string, over = {}) => {
      const { attempt } = await claimNew(await lease(), over);
      const runId = String((runCount += 1));
      await dispatch().recordAccepted(attempt.id, { runId, runUrl: '' });
      await runs().recordRun(attempt.id, run(runId, { status: 'completed', conclusion }), 1);
      return attempt.jobId;
    };
    const idsOf = (page: { jobs: readonly { id: string }[] }) => page.jobs.map(({ id }) => id);

    it('is newest first, of the wanted states, and says how much there is', async () => {
      await start();
      const ids: string[] = [];
      for (const conclusion of ['success', 'failure', 'cancelled', 'success']) {
        ids.unshift(await end(conclusion));
        at.clock.advance(1_000);
      }
      await fixture.add();
      const page = await history();
      expect(idsOf(page)).toEqual(ids);
      expect(page).toMatchObject({ hasMore: false, totalCount: 4 });
      expect(page.jobs[0]).toMatchObject({ position: 3, state: 'completed' });
      const failed = await history({ states: ['failed'] });
      expect(failed).toMatchObject({ totalCount: 1, jobs: [{ id: ids[2] }] });
      expect(await history({ states: ['failed', 'cancelled'], limit: 1 })).toMatchObject({
        ...{ hasMore: true, totalCount: 2, jobs: [{ id: ids[1] }] },
      });
    });

    it('is empty where nothing has ended', async () => {
      await start();
      const empty = { jobs: [], hasMore: false, nextCursor: null, totalCount: 0 };
      expect(await history()).toEqual(empty);
      expect(await jobs().listHistory('none', all)).toEqual(empty);
    });

    it('pages lose and repeat nothing when jobs ended at the same moment (defect #26)', async () => {
      await start();
      const ended = [];
      for (const conclusion of ['success', 'failure', 'success', 'cancelled', 'success']) {
        ended.push(await end(conclusion));
      }
      const seen: string[] = [];
      let before: string | null = null;
      for (let hasMore = true; hasMore; ) {
        const page = await history({ limit: 2, before });
        seen.push(...idsOf(page));
        ({ nextCursor: before, hasMore } = page);
      }
      expect(seen).toEqual(ended.sort().reverse());
    });

    it('goes on before a time, as the predecessor’s cursor did; nonsense is passed over', async () => {
      await start();
      const old = await end('success');
      const time = new Date(at.clock.advance(1_000)).toISOString();
      const young = await end('success');
      expect(idsOf(await history({ before: time }))).toEqual([old]);
      expect(idsOf(await history({ before: 'nonsense' }))).toEqual([young, old]);
    });

    it('is filtered by the labels that its templates have now (defect #26: dots in keys)', async () => {
      await start();
      await fixture.addTemplate('a', { labels: { 'el.client': 'geth', net: 'main' } });
      await fixture.addTemplate('b', { labels: { 'el.client': 'reth', net: 'main' } });
      const a = await end('success', { templateId: 'a' });
      at.clock.advance(1);
      const b = await end('failure', { templateId: 'b' });
      await end('success', { ...manual, labels: { net: 'main' } });
      await end('success');
      const byLabels = (labels: Record<string, string>, over = {}) => history({ labels, ...over });
      expect(await byLabels({ net: 'main' })).toMatchObject({ totalCount: 2 });
      expect(idsOf(await byLabels({ net: 'main' }))).toEqual([b, a]);
      expect(idsOf(await byLabels({ net: 'main', 'el.client': 'geth' }))).toEqual([a]);
      expect(idsOf(await byLabels({ net: 'main' }, { states: ['failed'] }))).toEqual([b]);
      const first = await byLabels({ net: 'main' }, { limit: 1 });
      const next = await byLabels({ net: 'main' }, { before: first.nextCursor });
      expect(idsOf(next)).toEqual([a]);
      expect(await byLabels({ net: 'test' })).toMatchObject({ jobs: [], totalCount: 0 });
    });

    it('merges more templates than one statement takes', async () => {
      await start();
      const ids = Array.from({ length: 90 }, (_, n) => `m${n}`);
      for (const id of ids) await fixture.addTemplate(id, { labels: { net: 'main' } });
      await at.database.write(async (tx) => {
        for (const templateId of ids) {
          for (const state of all.states) tx.count({ groupId: 'g', templateId, state }, 1);
        }
      });
      const one = await end('success', { templateId: 'm5' });
      expect(idsOf(await history({ labels: { net: 'main' } }))).toEqual([one]);
    });
  });
}
