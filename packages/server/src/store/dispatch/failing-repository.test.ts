import { describe, expect, it } from 'vitest';
import type { TargetVerdict } from '../../domain/target-block.ts';
import { databases, useDatabase } from '../databases.testkit.ts';
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
  });
}
