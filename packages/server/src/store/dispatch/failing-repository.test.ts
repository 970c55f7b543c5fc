import { describe, expect, it } from 'vitest';
import type { Group } from '../../domain/group.ts';
import type { TargetVerdict } from '../../domain/target-block.ts';
import { databases, useDatabase } from '../databases.testkit.ts';
import type { JobRow } from '../schema.ts';
import { fixtureOn, PAUSES, refused } from './dispatch.testkit.ts';

const MINUTE = 60_000;
const FLOWS = ['1', '2', '3', '4'] as const;

for (const kind of databases) {
  describe(`a repository of which several workflows fail on ${kind.name}`, () => {
    const at = useDatabase(kind);
    const fixture = fixtureOn(at);
    const { add, lease, claimNew, dispatch, emitted } = fixture;

    const start = async () => {
      await fixture.start();
      for (const n of FLOWS) await fixture.addTemplate(n, { repo: 'bad', workflowId: `${n}.yml` });
      await fixture.addRunners('1', '2', '3');
    };
    const fail = async (templateId: string) => {
      at.clock.advance(1);
      const { attempt } = await claimNew(await lease(), { templateId });
      const failing = { verdict: 'failing', pauses: PAUSES } as const;
      const events = await emitted(() => dispatch().recordUnknown(attempt.id, '500', failing));
      return events.filter((event) => event === 'target.blocked').length;
    };
    const answer = async (templateId: string, verdict: TargetVerdict) => {
      at.clock.advance(1);
      const { attempt } = await claimNew(await lease(), { templateId });
      await dispatch().recordRefused(attempt.id, { ...refused, verdict, then: 'fail' });
    };
    /** Its runners are as they were, and free. */
    const listed = async () => {
      const pass_at = at.clock.now();
      await at.database.write(({ db }) =>
        db.updateTable('runner_scopes').set({ pass_at }).execute(),
      );
    };
    const head = async () => (await fixture.load()).groups[0]!.head;
    const yielding = async () =>
      (await head()).filter(({ isYielding }) => isYielding).map(({ id }) => id);

    it('has jobs of others go first, also before a workflow of it that has not been tried: forty such kept one runner for 47 minutes', async () => {
      await start();
      for (const n of ['1', '2']) expect(await fail(n)).toBe(1);
      const untried = await add({ templateId: '4', priority: 1 });
      expect(await yielding()).toEqual([]);
      // The workflow, and its repository.
      expect(await fail('3')).toBe(2);
      const good = await add();
      expect((await head()).map(({ id }) => id)).toEqual([untried.id, good.id]);
      expect(await yielding()).toEqual([untried.id]);
      // And it is sent where no other wants the runner.
      expect(await dispatch().claim(await lease(), fixture.request(untried.id))).toBeDefined();
    });

    it.each(['works', 'template-broken'] as const)(
      'does not fail when a workflow of it is answered: %s',
      async (verdict) => {
        await start();
        for (const n of ['1', '2']) await fail(n);
        await answer('4', verdict);
        await fail('3');
        const untried = await add({ templateId: '4' });
        expect(await yielding()).toEqual([]);
        for (const n of ['1', '2']) {
          at.clock.advance(MINUTE);
          await fail(n);
        }
        expect((await head()).map(({ id }) => id)).toEqual([untried.id]);
        expect(await yielding()).toEqual([]);
      },
    );

    it('has a turn among others ten minutes after its last failure, and that is over with the next', async () => {
      await start();
      for (const n of ['1', '2', '3']) await fail(n);
      const untried = await add({ templateId: '4' });
      at.clock.advance(10 * MINUTE - 1);
      expect(await yielding()).toEqual([untried.id]);
      at.clock.advance(1);
      expect(await yielding()).toEqual([]);
      await fail('1');
      expect(await yielding()).toEqual([untried.id]);
    });

    it('lets those of its workflows go first that failed least, for a quarter of an hour', async () => {
      await start();
      const waiting = [];
      for (const n of ['1', '2', '3']) {
        await fail(n);
        waiting.push((await add({ templateId: n, priority: 1 })).id);
      }
      const untried = await add({ templateId: '4' });
      at.clock.advance(MINUTE);
      expect(await head()).toMatchObject([{ id: untried.id }]);
      at.clock.advance(14 * MINUTE);
      expect(await head()).toMatchObject([{ id: waiting[0] }]);
    });

    it.each([
      ['is paused', { is_paused: 1 }, {}],
      ['waits a while', { not_before: Number.MAX_SAFE_INTEGER }, {}],
      ['is of a group whose labels no runner has', {}, { runnerLabels: ['gpu'] }],
      ['is of a group at its max_parallel', {}, { maxParallel: 0 }],
      ['is of a group that is paused', {}, { isPaused: true }],
    ] satisfies [string, Partial<JobRow>, Partial<Group>][])(
      'lets none of its workflows wait for one whose only job %s (they waited 15 minutes beside idle runners)',
      async (_why, set, group) => {
        await start();
        await fixture.addGroup('other', group);
        await fixture.addTemplate('5', { groupId: 'other', repo: 'bad', workflowId: '5.yml' });
        const waiting = [];
        for (const n of ['1', '2', '3']) {
          await fail(n);
          waiting.push((await add({ templateId: n })).id);
        }
        const { id } = await add({ templateId: '5', groupId: 'other' });
        await at.database.write(({ db }) =>
          db
            .updateTable('jobs')
            .set({ is_paused: 0, ...set })
            .where('id', '=', id)
            .execute(),
        );
        at.clock.advance(MINUTE);
        await listed();
        expect(await head()).toMatchObject([{ id: waiting[0] }]);
      },
    );

    it('gives the turn to one that failed less when the first could not go for long, not to the first in the queue', async () => {
      await start();
      for (const n of ['1', '2', '3', '1', '1']) {
        at.clock.advance(5_000);
        await answer(n, 'failing');
      }
      await add({ templateId: '1', priority: 1 });
      const second = await add({ templateId: '2' });
      const untried = await add({ templateId: '4' });
      for (const first of [untried, second]) {
        at.clock.advance(first === untried ? MINUTE : 15 * MINUTE);
        await listed();
        expect(await head()).toMatchObject([{ id: first.id }]);
      }
    });
  });
}
