import { describe, expect, it } from 'vitest';
import { databases, useDatabase } from '../databases.testkit.ts';
import type { RunnerSync } from '../port/runners.ts';
import { runnerFixtureOn, SCOPE, seen, UNSEEN_MS } from './runners.testkit.ts';

for (const kind of databases) {
  describe(`runners on ${kind.name}`, () => {
    const at = useDatabase(kind);
    const { runners, start, listing, readEvents, newEvents } = runnerFixtureOn(at);

    it('are stored as the forge tells of them', async () => {
      const fence = await start();
      await runners().recordListing(fence, listing(100, [seen('2'), seen('1', { isBusy: true })]));
      expect(await runners().listRunners()).toEqual([
        {
          ...{ id: expect.any(String), forgeId: 'f', scope: SCOPE, forgeRunnerId: '1' },
          ...{ name: 'runner-1', labels: ['self-hosted', 'linux'], os: 'linux' },
          ...{ status: 'online', isBusy: true, launchId: null },
          ...{ lastSeenAt: at.clock.now(), createdAt: at.clock.now(), updatedAt: at.clock.now() },
        },
        expect.objectContaining({ name: 'runner-2', isBusy: false }),
      ]);
      const [scope] = await runners().listScopes('f');
      expect(scope).toEqual({
        ...{ forgeId: 'f', scope: SCOPE, etags: ['"e"'], listingSentAt: 100 },
        ...{ listedAt: at.clock.now(), error: '' },
      });
    });

    it('that are taken or freed are told by the pass that is the first to see it', async () => {
      const fence = await start();
      const idle = [seen('1'), seen('2'), seen('3', { status: 'offline' })];
      expect(await runners().recordListing(fence, listing(100, idle))).toBeUndefined();
      expect(await runners().recordListing(fence, listing(200, idle))).toBeUndefined();
      const busy = { isBusy: true };
      // The third comes, the second goes, a fourth is new: nobody tells of these.
      const next = [seen('1', busy), seen('2', { status: 'offline' }), seen('3', busy)];
      expect(
        await runners().recordListing(fence, listing(300, [...next, seen('4', busy)])),
      ).toEqual({
        ...{ forgeId: 'f', since: 200, until: 300 },
        runners: [{ forgeRunnerId: '1', name: 'runner-1', isBusy: true, deliveredAt: null }],
      });
      const freed = await runners().recordListing(
        fence,
        listing(400, [seen('1'), ...next.slice(1)]),
      );
      expect(freed?.runners).toMatchObject([{ forgeRunnerId: '1', isBusy: false }]);
    });

    it('are explained by a workflow job on them that started or ended since the pass before', async () => {
      const addJob = (
        id: string,
        runnerId: string,
        startedAt: number,
        completedAt: number | null,
      ) =>
        at.database.write(({ db }) =>
          db
            .insertInto('run_workflow_jobs')
            .values({
              ...{ forge_id: 'f', id, owner: 'acme', repo: 'app' },
              ...{ run_id: id, run_attempt: 1, name: id, labels: '[]' },
              ...{ status: 'in_progress', conclusion: null, created_at: 0 },
              ...{ runner_id: runnerId, runner_name: `runner-${runnerId}`, is_owned: 0 },
              ...{ started_at: startedAt, completed_at: completedAt, observed_at: startedAt },
            })
            .execute(),
        );
      const isExplained = (id: string, isBusy: boolean, deliveredAt: number | null = null) => {
        const used = { forgeRunnerId: id, name: `runner-${id}`, isBusy, deliveredAt };
        const use = { forgeId: 'f', since: 60_000, until: 120_000, runners: [used] };
        return runners().isUseExplained(use, 1_000);
      };
      await start();
      expect(await isExplained('1', true)).toBe(false);
      await addJob('old', '1', 10_000, 20_000);
      expect(await isExplained('1', true)).toBe(false);
      expect(await isExplained('1', false)).toBe(false);
      await addJob('new', '1', 70_000, null);
      expect(await isExplained('1', true)).toBe(true);
      expect(await isExplained('1', false)).toBe(false);
      await addJob('over', '2', 10_000, 70_000);
      expect(await isExplained('2', false)).toBe(true);
      expect(await isExplained('2', true)).toBe(false);
      // A short one that somebody else's followed, and one that followed somebody else's.
      await addJob('short', '3', 80_000, 80_000);
      expect(await isExplained('3', true, 80_999)).toBe(false);
      expect(await isExplained('3', false)).toBe(false);
      await addJob('next', '3', 81_000, null);
      expect(await isExplained('3', true, 80_999)).toBe(true);
      // The forge may show a moment late what a webhook has told.
      expect(await isExplained('4', true, 119_500)).toBe(true);
    });

    it('are one class when their labels are the same in another order', async () => {
      const fence = await start();
      const found = [seen('1', { labels: ['b', 'a', 'a'] }), seen('2', { labels: ['a', 'b'] })];
      await runners().recordListing(fence, listing(100, found));
      const rows = await at.database.read.selectFrom('runners').select('label_set').execute();
      expect(new Set(rows.map((row) => row.label_set))).toEqual(new Set(['["a","b"]']));
      expect((await runners().listRunners())[0]?.labels).toEqual(['b', 'a', 'a']);
    });

    it('tell what changed, and from what', async () => {
      const fence = await start();
      await runners().recordListing(fence, listing(100, [seen('1')]));
      await runners().recordListing(fence, listing(200, [seen('1', { isBusy: true })]));
      const emitted = (await readEvents()).filter((event) => event.kind === 'runner.changed');
      const free = {
        ...{ name: 'runner-1', status: 'online', isBusy: false },
        labels: ['self-hosted', 'linux'],
      };
      const busy = { ...free, isBusy: true };
      expect(emitted.map((event) => event.data)).toEqual([
        { scope: 'org:acme', from: null, to: free, isUseChanged: false, runId: null },
        { scope: 'org:acme', from: free, to: busy, isUseChanged: true, runId: null },
      ]);
      const [runner] = await runners().listRunners();
      expect(emitted.map((event) => event.subjectId)).toEqual([runner!.id, runner!.id]);
    });

    it('are neither told of nor rewritten when they look as before', async () => {
      const fence = await start();
      const found = [seen('1'), seen('2')];
      await runners().recordListing(fence, listing(100, found));
      const [before] = await runners().listRunners();
      at.clock.advance(60_000);
      const emitted = await newEvents(() => runners().recordListing(fence, listing(200, found)));
      expect(emitted).toEqual([]);
      const [after] = await runners().listRunners();
      expect(after).toEqual({ ...before, lastSeenAt: at.clock.now() });
    });

    it('are seen anew by a pass that says "unchanged"', async () => {
      const fence = await start();
      await runners().recordListing(fence, listing(100, [seen('1')]));
      at.clock.advance(60_000);
      const emitted = await newEvents(() => runners().recordListing(fence, listing(200, null)));
      expect(emitted).toEqual([]);
      expect((await runners().listRunners())[0]?.lastSeenAt).toBe(at.clock.now());
      expect(await runners().listScopes('f')).toMatchObject([
        { listingSentAt: 200, listedAt: at.clock.now() },
      ]);
    });

    it('that were stale are told of by the pass that ends it, though it changes nothing', async () => {
      const fence = await start();
      await runners().recordListing(fence, listing(100, [seen('1')]));
      const emitted = async (afterMs: number, found: RunnerSync['runners']) => {
        at.clock.advance(afterMs);
        return newEvents(() => runners().recordListing(fence, listing(at.clock.now(), found)));
      };
      expect(await emitted(UNSEEN_MS, null)).toEqual([]);
      expect(await emitted(UNSEEN_MS + 1, null)).toEqual(['scope.observed']);
      expect(await emitted(UNSEEN_MS + 1, [seen('1')])).toEqual(['scope.observed']);
    });
  });
}
