import { describe, expect, it } from 'vitest';
import type { Run } from '../../domain/attempt.ts';
import { databases, useDatabase } from '../databases.testkit.ts';
import { fixtureOn } from '../dispatch/dispatch.testkit.ts';
import { makeRetentionStore } from '../retention.ts';

const MONTH_MS = 30 * 24 * 3_600_000;
const MESSAGE = 'outcome-ambiguous: run 7';

for (const kind of databases) {
  describe(`whether runs bear their id, where the forge names none, on ${kind.name}`, () => {
    const at = useDatabase(kind);
    const fixture = fixtureOn(at);
    const { start, lease, claimNew, dispatch, emitted, run, runs } = fixture;

    const begin = async () => {
      await start();
      await fixture.addTemplate('u', { correlationInput: 'id' });
    };
    /** What has ended was sent so long ago, by the database's clock, that a run made now cannot be its own. */
    const claim = async () => {
      at.clock.advance(1);
      await at.database.write(({ db }) =>
        db
          .updateTable('attempts')
          .set({ send_deadline: 0 })
          .where('ended_at', 'is not', null)
          .execute(),
      );
      return (await claimNew(await lease(), { templateId: 'u' })).attempt;
    };
    const accepted = async () => {
      const attempt = await claim();
      await dispatch().recordAccepted(attempt.id, { runId: null, runUrl: '' });
      return attempt;
    };
    const end = (id: string) =>
      runs().concludeAmbiguous(id, MESSAGE, { unnamedRun: run('7', { status: 'completed' }) });
    /** Its run is found by the id in its name. */
    const find = async (id: string, over: Partial<Run> = {}) => {
      const found = run(`run of ${id}`, { name: `Build ${id}`, ...over });
      await runs().matchRun(id, found, 'input');
      return emitted(() => runs().recordRun(id, found, 100));
    };
    const isNamedNext = async () => (await claim()).isNamed;

    it('is learnt from an accepted attempt that ends ambiguous, which is warned of once', async () => {
      await begin();
      const [first, second] = [await accepted(), await accepted()];
      expect([first.isNamed, second.isNamed]).toEqual([true, true]);
      expect(await emitted(() => end(first.id))).toEqual([
        ...['attempt.ambiguous', 'target.unnamed', 'job.failed'],
      ]);
      expect(await emitted(() => end(second.id))).toEqual(['attempt.ambiguous', 'job.failed']);
      expect(await isNamedNext()).toBe(false);
    });

    it('is not learnt from one whose answer was lost, though it was taken for accepted', async () => {
      await begin();
      const lost = await claim();
      await dispatch().recordUnknown(lost.id, '502');
      expect(await emitted(() => end(lost.id))).toEqual(['attempt.ambiguous', 'job.failed']);
      expect(await isNamedNext()).toBe(true);
    });

    it('is not learnt from what is told by its time', async () => {
      await begin();
      await end((await accepted()).id);
      const [first, second] = [await accepted(), await accepted()];
      expect([first.isNamed, second.isNamed]).toEqual([false, false]);
      expect(await find(first.id, { headSha: 'beef' })).toContain('target.named');
      expect(await emitted(() => end(second.id))).not.toContain('target.unnamed');
      expect(await isNamedNext()).toBe(true);
    });

    it('is learnt anew once a run of another commit bears its id, though it is told by its time', async () => {
      await begin();
      await end((await accepted()).id);
      const byTime = await accepted();
      expect(byTime).toMatchObject({ isNamed: false, correlationInput: 'id' });
      expect(await find(byTime.id, { headSha: 'beef' })).toContain('target.named');
      expect(await isNamedNext()).toBe(true);
    });

    it('is not learnt anew at a commit at which a run lacked its id: its run-name shows it only sometimes', async () => {
      await begin();
      await end((await accepted()).id);
      expect(await find((await accepted()).id)).not.toContain('target.named');
      expect(await isNamedNext()).toBe(false);
      const named = await accepted();
      await dispatch().recordAccepted(named.id, { runId: '8', runUrl: '' });
      const bears = run('8', { name: `Build ${named.id}` });
      expect(await emitted(() => runs().recordRun(named.id, bears, 100))).not.toContain(
        'target.named',
      );
      expect(await runs().listNamedCommits([named], ['c0ffee'])).toEqual(new Set());
    });

    it('is forgotten of a commit a month after the last run there', async () => {
      await begin();
      const forget = () => makeRetentionStore(at.database).deleteExpired(at.clock.now());
      await end((await accepted()).id);
      at.clock.advance(MONTH_MS - 1);
      expect(await find((await accepted()).id)).not.toContain('target.named');
      at.clock.advance(MONTH_MS - 1);
      await forget();
      const sent = [await accepted(), await accepted()];
      expect(await find(sent[0]!.id)).not.toContain('target.named');
      at.clock.advance(MONTH_MS);
      await forget();
      expect(await find(sent[1]!.id)).toContain('target.named');
    });

    it('is not learnt from what was sent before the file was mended', async () => {
      await begin();
      const [first, old, mended] = [await accepted(), await accepted(), await accepted()];
      await end(first.id);
      expect(await find(mended.id, { headSha: 'beef' })).toContain('target.named');
      expect(await emitted(() => end(old.id))).not.toContain('target.unnamed');
      expect(await isNamedNext()).toBe(true);
    });

    it('once learnt keeps jobs waiting for those that were to be told by their id, which would take their runs', async () => {
      await begin();
      const [first, open] = [await accepted(), await accepted()];
      const claimable = async () => {
        const { id } = await fixture.add({ templateId: 'u' });
        const { doubts } = await fixture.load();
        const doubt = (await fixture.jobs().findWaitFacts(id))?.doubt;
        const claimed = await dispatch().claim(await lease(), fixture.request(id));
        return [doubts.map(({ jobId }) => jobId), doubt?.jobId, claimed?.attempt.isNamed];
      };
      expect(await claimable()).toEqual([[], undefined, true]);
      const ids = await fixture.runs().listLive('github');
      await end(first.id);
      const left = ids.filter(({ id }) => id !== first.id).map(({ jobId }) => jobId);
      expect(left).toContain(open.jobId);
      expect(await claimable()).toEqual([[...left, first.jobId], open.jobId, undefined]);
      await dispatch().recordAccepted(ids.at(-1)!.id, { runId: null, runUrl: '' });
      for (const { id } of ids) await end(id);
      expect(await claimable()).toEqual([expect.arrayContaining(left), undefined, undefined]);
      await at.database.write(({ db }) =>
        db.updateTable('attempts').set({ send_deadline: 0 }).execute(),
      );
      expect(await claimable()).toEqual([[], undefined, false]);
    });

    it('is learnt anew where its run was taken by its time before its name was there', async () => {
      await begin();
      await end((await accepted()).id);
      const { id } = await accepted();
      await runs().matchRun(id, run('9'), 'order');
      await runs().recordRun(id, run('9'), 100);
      const named = run('9', { name: `Build ${id}`, status: 'in_progress', headSha: 'beef' });
      expect(await emitted(() => runs().recordRun(id, named, 200))).toContain('target.named');
      expect(await isNamedNext()).toBe(true);
    });

    it.each([
      ['workflow', { path: '.github/workflows/next.yml', workflowId: '9' }],
      ['branch', { branch: 'next' }],
      ['branch that is not told', { branch: '' }],
    ])('is not learnt from a run of another %s that was handed the id on', async (_, other) => {
      await begin();
      await end((await accepted()).id);
      expect(await find((await accepted()).id, other)).not.toContain('target.named');
      expect(await isNamedNext()).toBe(false);
    });

    it('says nothing of a commit: a copy of the id may have come into a name by another input', async () => {
      await begin();
      const attempt = await accepted();
      await find(attempt.id, { headSha: 'beef' });
      expect(await runs().listNamedCommits([attempt], ['beef'])).toEqual(new Set());
    });
  });
}
