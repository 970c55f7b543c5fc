import { describe, expect, it } from 'vitest';
import type { TargetVerdict } from '../../domain/target-block.ts';
import { makeCredentialStore } from '../credentials.ts';
import { databases, useDatabase } from '../databases.testkit.ts';
import type { CredentialRow } from '../port/credentials.ts';
import { FORGE, fixtureOn, refused } from './dispatch.testkit.ts';

const MINUTE = 60_000;

const healthy: Omit<CredentialRow, 'id'> = {
  ...{ actor: 'bot', limit: null, remaining: null, resetAt: null, blockedUntil: null },
  ...{ rateFactor: 1, secondaryHits: 0, isConnected: true, error: '' },
};

for (const kind of databases) {
  describe(`a server that starts with another token, on ${kind.name}`, () => {
    const at = useDatabase(kind);
    const fixture = fixtureOn(at);
    const { start, add, lease, claimNew, request, dispatch, jobs, job } = fixture;

    const save = (id: string, database = at.database) =>
      makeCredentialStore(database).save(FORGE, { ...healthy, id }, true);
    const refuse = async (verdict: TargetVerdict, notBefore: number | null = null) => {
      const { attempt } = await claimNew(await lease());
      await dispatch().recordRefused(attempt.id, { ...refused, verdict, notBefore });
      return attempt.jobId;
    };
    const claim = async (jobId: string) => dispatch().claim(await lease(), request(jobId));

    it.each(['failing', 'no-access'] as const)(
      'probes at once what was %s for the one before, once',
      async (verdict) => {
        await start();
        await save('github/dispatch/old');
        const jobId = await refuse(verdict);
        await save('github/dispatch/old');
        expect(await claim(jobId)).toBeUndefined();
        await save('github/dispatch/new');
        const probe = await claim(jobId);
        await dispatch().recordRefused(probe!.attempt.id, { ...refused, verdict });
        await save('github/dispatch/new', at.replica);
        expect(await claim(jobId)).toBeUndefined();
      },
    );

    it('counts the failures before on: its probes yield as they did', async () => {
      await start();
      await fixture.addTemplate('u', { workflowId: 'other.yml' });
      await fixture.addRunners('1', '2');
      for (const templateId of ['t', 'u']) {
        const { attempt } = await claimNew(await lease(), { templateId });
        await dispatch().recordRefused(attempt.id, { ...refused, verdict: 'failing' });
      }
      await save('github/dispatch/new');
      const { groups } = await fixture.load();
      expect(groups[0]?.head.map(({ isYielding }) => isYielding)).toEqual([true, true]);
    });

    it.each(['archived', 'workflow-disabled', 'not-found'] as const)(
      'leaves alone what is %s for every token',
      async (verdict) => {
        await start();
        const jobId = await refuse(verdict);
        const blockOf = async () => (await jobs().findWaitFacts(jobId))?.block?.nextProbeAt;
        const before = await blockOf();
        expect(before).toBeGreaterThan(at.clock.now());
        await save('github/dispatch/new');
        expect(await blockOf()).toBe(before);
      },
    );

    it('sends a job that a limit had put off, and not one that waits for its requeue', async () => {
      await start();
      const until = at.clock.now() + 10 * MINUTE;
      const putOff = await refuse('none', until);
      const requeued = await add();
      await at.database.write(({ db }) =>
        db.updateTable('jobs').set({ not_before: until }).where('id', '=', requeued.id).execute(),
      );
      await save('github/dispatch/new');
      expect((await job(requeued.id)).notBefore).toBe(until);
      expect(await claim(putOff)).toBeDefined();
    });
  });
}
