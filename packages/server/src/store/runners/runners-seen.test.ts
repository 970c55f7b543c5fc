import { describe, expect, it } from 'vitest';
import { databases, useDatabase } from '../databases.testkit.ts';
import { startedAttempt } from '../moves/attempt-row.testkit.ts';
import type { GroupRow } from '../schema.ts';
import { runnerFixtureOn, SCOPE, seen, UNSEEN_MS } from './runners.testkit.ts';

for (const kind of databases) {
  describe(`runners, seen again or no longer, on ${kind.name}`, () => {
    const at = useDatabase(kind);
    const { runners, start, listing, shown, readEvents, newEvents } = runnerFixtureOn(at);
    /** Something else than a listing has observed them. */
    const touch = (observedAt: number) =>
      at.database.write(async ({ db }) => {
        await db.updateTable('runners').set({ is_busy: 1, observed_at: observedAt }).execute();
      });

    it('are not free after one pass without them, and gone after three (defect #15)', async () => {
      const fence = await start();
      await runners().recordListing(fence, listing(100, [seen('1'), seen('2')]));
      const missed = await newEvents(() =>
        runners().recordListing(fence, listing(200, [seen('1')])),
      );
      expect(missed).toEqual(['runner.changed', 'scope.observed']);
      expect(await shown()).toEqual(['runner-1 online', 'runner-2 offline']);
      expect(
        await newEvents(() => runners().recordListing(fence, listing(300, [seen('1')]))),
      ).toEqual([]);
      expect(await shown()).toEqual(['runner-1 online', 'runner-2 offline']);
      const gone = await newEvents(() => runners().recordListing(fence, listing(400, [seen('1')])));
      expect(gone).toEqual(['runner.gone', 'scope.observed']);
      expect(await shown()).toEqual(['runner-1 online']);
    });

    it('unseen for three intervals are gone by the second pass without them, never by one alone', async () => {
      const fence = await start();
      await runners().recordListing(fence, listing(100, [seen('1'), seen('2')]));
      at.clock.advance(10 * UNSEEN_MS);
      await runners().recordListing(fence, listing(200, [seen('1')]));
      expect(await shown()).toEqual(['runner-1 online', 'runner-2 offline']);
      await runners().recordListing(fence, listing(300, [seen('1')]));
      expect(await shown()).toEqual(['runner-1 online']);
    });

    it('are told as they were last when they go, for nobody can read them any more', async () => {
      const fence = await start();
      await runners().recordListing(fence, listing(100, [seen('1'), seen('2')]));
      const [one, two] = await runners().listRunners();
      expect(await runners().findRunners([two!.id, 'none'])).toEqual([two]);
      for (const sentAt of [200, 300, 400]) {
        await runners().recordListing(fence, listing(sentAt, [seen('1')]));
      }
      expect(await runners().findRunners([two!.id, one!.id])).toMatchObject([{ id: one!.id }]);
      const emitted = (await readEvents()).find((event) => event.kind === 'runner.gone');
      const { name, labels, os, scope, forgeRunnerId, createdAt } = two!;
      expect(emitted?.data).toMatchObject({ name, labels, os, scope, forgeRunnerId, createdAt });
    });

    it('are gone too when the passes after it say "unchanged"', async () => {
      const fence = await start();
      await runners().recordListing(fence, listing(100, [seen('1'), seen('2')]));
      await runners().recordListing(fence, listing(200, [seen('1')]));
      await runners().recordListing(fence, listing(300, null));
      expect(await shown()).toEqual(['runner-1 online', 'runner-2 offline']);
      await runners().recordListing(fence, listing(400, null));
      expect(await shown()).toEqual(['runner-1 online']);
    });

    it('stay when a pass shows them again, as the same runner', async () => {
      const fence = await start();
      await runners().recordListing(fence, listing(100, [seen('1')]));
      const [before] = await runners().listRunners();
      await runners().recordListing(fence, listing(200, []));
      await runners().recordListing(fence, listing(300, [seen('1')]));
      await runners().recordListing(fence, listing(400, []));
      expect(await shown()).toEqual(['runner-1 offline']);
      await runners().recordListing(fence, listing(500, [seen('1')]));
      expect(await runners().listRunners()).toMatchObject([{ id: before!.id, status: 'online' }]);
    });

    it('of a list that never agrees with itself are used where a page shows them, and gone where none does', async () => {
      const fence = await start();
      // Pages that do not add up come without ETags, and each misses one that is there.
      const partial = (sentAt: number, ...ids: string[]) =>
        runners().recordListing(
          fence,
          listing(
            sentAt,
            ids.map((id) => seen(id)),
            { etags: [] },
          ),
        );
      await partial(100, '1', '2', '3', 'left');
      at.clock.advance(60_000);
      await partial(200, '1', '2');
      expect(await shown()).toEqual([
        ...['runner-1 online', 'runner-2 online', 'runner-3 offline', 'runner-left offline'],
      ]);
      at.clock.advance(60_000);
      await partial(300, '1', '3');
      at.clock.advance(60_000);
      await partial(400, '1', '2', '3');
      expect(await shown()).toEqual(['runner-1 online', 'runner-2 online', 'runner-3 online']);
      const [scope] = await runners().listScopes('f');
      expect(scope).toMatchObject({ listingSentAt: 400, listedAt: at.clock.now(), etags: [] });
    });

    it('believe the newer observation, whichever comes first', async () => {
      const fence = await start();
      await runners().recordListing(fence, listing(100, [seen('1')]));
      await runners().recordListing(fence, listing(300, [seen('1')]));
      await runners().recordListing(fence, listing(200, [seen('1', { isBusy: true }), seen('2')]));
      expect(await shown()).toEqual(['runner-1 online']);
      // A runner that something else saw become busy after this pass was sent.
      await at.database.write(async ({ db }) => {
        await db.updateTable('runners').set({ is_busy: 1, observed_at: 500 }).execute();
      });
      await runners().recordListing(fence, listing(400, [seen('1')]));
      expect(await shown()).toEqual(['runner-1 online busy']);
      await runners().recordListing(fence, listing(450, []));
      await runners().recordListing(fence, listing(460, []));
      expect(await shown()).toEqual(['runner-1 online busy']);
    });

    it('are seen again two minutes after the forge’s clock was put back, not when it has caught up', async () => {
      const fence = await start();
      const hourMs = 3_600_000;
      await runners().recordListing(
        fence,
        listing(hourMs, [seen('1', { isBusy: true }), seen('2')]),
      );
      at.clock.advance(60_000);
      await runners().recordListing(fence, listing(60_000, [seen('1'), seen('2')]));
      expect(await shown()).toEqual(['runner-1 online busy', 'runner-2 online']);
      at.clock.advance(60_000);
      await runners().recordListing(fence, listing(120_000, null));
      expect(await runners().listScopes('f')).toMatchObject([
        { listingSentAt: 120_000, etags: [] },
      ]);
      await runners().recordListing(fence, listing(180_000, [seen('1')]));
      expect(await shown()).toEqual(['runner-1 online', 'runner-2 offline']);
      await runners().recordListing(fence, listing(170_000, [seen('1', { isBusy: true })]));
      expect(await shown()).toEqual(['runner-1 online', 'runner-2 offline']);
    });

    it('are listed anew, whatever the ETags say, when something else than a pass has seen one', async () => {
      const fence = await start();
      const etags = async () => (await runners().listScopes('f'))[0]?.etags;
      await runners().recordListing(fence, listing(100, [seen('1')]));
      expect(await etags()).toEqual(['"e"']);
      await touch(150);
      expect(await etags()).toEqual([]);
      // Sent with the ETag, before the touch was stored: the listing it vouches for is overwritten.
      await runners().recordListing(fence, listing(200, null));
      expect(await shown()).toEqual(['runner-1 online busy']);
      expect(await etags()).toEqual([]);
      await runners().recordListing(fence, listing(300, [seen('1')]));
      expect(await shown()).toEqual(['runner-1 online']);
      expect(await etags()).toEqual(['"e"']);
    });

    it('are not taken for busy for good when "unchanged" is about a listing that another has replaced', async () => {
      const fence = await start();
      const scope = async () => (await runners().listScopes('f'))[0];
      await runners().recordListing(fence, listing(100, [seen('1')]));
      await touch(150);
      await runners().recordListing(fence, listing(200, null));
      // Its ETag was read before the one above was stored, as on a machine that is slow.
      await runners().recordListing(fence, listing(250, null));
      expect(await scope()).toMatchObject({ listingSentAt: 200, etags: [] });
      await runners().recordListing(fence, listing(300, [seen('1')]));
      expect(await shown()).toEqual(['runner-1 online']);
    });

    it('were last seen by the last complete pass that showed them', async () => {
      const fence = await start();
      const lastSeen = async () => (await runners().listRunners()).map((r) => r.lastSeenAt);
      const first = at.clock.now();
      await runners().recordListing(fence, listing(100, [seen('1'), seen('2')]));
      const second = at.clock.advance(1_000);
      await runners().recordListing(fence, listing(200, [seen('1'), seen('2')]));
      expect(await lastSeen()).toEqual([second, second]);
      const third = at.clock.advance(1_000);
      await runners().recordListing(fence, listing(300, [seen('1')]));
      expect(await lastSeen()).toEqual([third, second]);
      expect(first).toBeLessThan(second);
    });

    it('count once when a list names them twice', async () => {
      const fence = await start();
      const twice = [seen('1'), seen('2'), seen('1', { isBusy: true })];
      await runners().recordListing(fence, listing(100, twice));
      expect(await shown()).toEqual(['runner-1 online busy', 'runner-2 online']);
    });

    it('are many: 1,200 in a pass', async () => {
      const fence = await start();
      const many = Array.from({ length: 1_200 }, (_, i) => seen(String(i)));
      await runners().recordListing(fence, listing(100, many));
      await runners().recordListing(fence, listing(200, []));
      await runners().recordListing(fence, listing(300, []));
      await runners().recordListing(fence, listing(400, many.slice(0, 600)));
      const stored = await runners().listRunners();
      expect(stored.map((runner) => runner.status)).toEqual(Array(600).fill('online'));
    });

    it('of a pass without the lease are not taken', async () => {
      const fence = await start();
      const stale = { ...fence, epoch: fence.epoch - 1 };
      await runners().recordListing(stale, listing(100, [seen('1')]));
      await runners().recordScopeError(stale, 'f', SCOPE, 'boom');
      await runners().setScopes(stale, 'f', []);
      expect(await shown()).toEqual([]);
      expect(await runners().listScopes('f')).toMatchObject([{ listingSentAt: null, error: '' }]);
    });

    it('wake who waits for a pass: the first one, one after an error, one that a hold needs', async () => {
      const fence = await start();
      const record = (sentAt: number) => runners().recordListing(fence, listing(sentAt, []));
      expect(await newEvents(() => record(100))).toEqual(['scope.observed']);
      expect(await newEvents(() => record(200))).toEqual([]);
      await runners().recordScopeError(fence, 'f', SCOPE, '502');
      expect(await runners().listScopes('f')).toMatchObject([{ error: '502', listingSentAt: 200 }]);
      expect(await newEvents(() => record(300))).toEqual(['scope.observed']);
      expect(await runners().listScopes('f')).toMatchObject([{ error: '' }]);
      await at.database.write(async ({ db }) => {
        await db.insertInto('attempts').values(startedAttempt).execute();
      });
      expect(await newEvents(() => record(400))).toEqual(['scope.observed']);
    });

    it('of a scope that is written in two ways are counted once', async () => {
      const fence = await start('org:Acme', 'org:acme', 'repo:acme/App', 'repo:Acme/app');
      const first = (await runners().listScopes('f')).map(({ scope }) => scope);
      expect(first.map((scope) => scope.toLowerCase())).toEqual(['org:acme', 'repo:acme/app']);
      const [stored = ''] = first;
      await runners().recordListing(fence, listing(100, [seen('1')], { scope: stored }));
      const emitted = await newEvents(() =>
        runners().setScopes(fence, 'f', ['org:ACME', 'org:acme', 'org:Acme', 'repo:ACME/APP']),
      );
      expect(emitted).toEqual([]);
      expect((await runners().listScopes('f')).map(({ scope }) => scope)).toEqual(first);
      expect(await shown()).toHaveLength(1);
    });

    it('are looked for in thousands of new places at once, and the list of scopes is written all the same', async () => {
      const fence = await start();
      const scopes = Array.from({ length: 12_000 }, (_, n) => `repo:me/r${n}`);
      await runners().setScopes(fence, 'f', scopes);
      expect(await runners().listScopes('f')).toHaveLength(scopes.length);
    });

    it('go with their scope', async () => {
      const fence = await start(SCOPE, 'repo:acme/app');
      await runners().recordListing(fence, listing(100, [seen('1')]));
      await runners().recordListing(fence, listing(100, [seen('1')], { scope: 'repo:acme/app' }));
      expect(await shown()).toHaveLength(2);
      const emitted = await newEvents(() => runners().setScopes(fence, 'f', [SCOPE, 'org:new']));
      expect(emitted).toEqual(['runner.gone']);
      expect((await runners().listRunners()).map((runner) => runner.scope)).toEqual([SCOPE]);
      const scopes = await runners().listScopes('f');
      expect(scopes.map(({ scope, listingSentAt }) => [scope, listingSentAt])).toEqual([
        [SCOPE, 100],
        ['org:new', null],
      ]);
      expect(await newEvents(() => runners().setScopes(fence, 'f', ['org:new', SCOPE]))).toEqual(
        [],
      );
    });

    it('belong to a group by its labels, compared as its forge does, and by its scopes', async () => {
      const fence = await start(SCOPE, 'org:other');
      await at.database.write(async ({ db, now }) => {
        const group: Omit<GroupRow, 'id' | 'runner_scopes'> = {
          ...{ forge_id: 'f', name: 'g', description: '', runner_labels: '["linux","gpu"]' },
          ...{ max_parallel: null, is_enabled: 1, is_paused: 0, next_number: 0 },
          ...{ created_at: now, updated_at: now },
        };
        await db
          .insertInto('groups')
          .values([
            { ...group, id: 'any', runner_scopes: null },
            { ...group, id: 'one', runner_scopes: '["org:other"]' },
          ])
          .execute();
      });
      const found = [
        seen('1', { labels: ['gpu', 'linux', 'big'] }),
        seen('2', { labels: ['linux'] }),
        seen('3', { labels: ['GPU', 'linux'] }),
      ];
      await runners().recordListing(fence, listing(100, found));
      const others = [seen('4', { labels: ['linux', 'gpu'], status: 'offline' })];
      await runners().recordListing(fence, listing(100, others, { scope: 'org:other' }));
      const namesOf = async (id: string) =>
        (await runners().listRunnersOfGroup(id))?.map((runner) => runner.name);
      expect(await namesOf('any')).toEqual(['runner-1', 'runner-3', 'runner-4']);
      const [, , third] = await runners().listRunners();
      expect(third).toMatchObject({ name: 'runner-3', labels: ['GPU', 'linux'] });
      await at.database.write(({ db }) =>
        db.updateTable('forges').set({ kind: 'forgejo' }).execute(),
      );
      expect(await namesOf('any')).toEqual(['runner-1', 'runner-4']);
      expect(await namesOf('one')).toEqual(['runner-4']);
      expect(await namesOf('none')).toBeUndefined();
    });
  });
}
