import { beforeEach, describe, expect, it } from 'vitest';
import { databases, useDatabase } from '../databases.testkit.ts';
import { FORGE, fixtureOn } from '../dispatch/dispatch.testkit.ts';
import { makeWebhookStore } from './webhooks.ts';

for (const kind of databases) {
  describe(`whose webhooks are of use on ${kind.name}`, () => {
    const at = useDatabase(kind);
    const fixture = fixtureOn(at);
    const serves = (owner: string, repo: string) =>
      makeWebhookStore(at.database).servesRepo(FORGE, owner, repo);

    const forget = (table: 'templates' | 'runner_scopes') =>
      at.database.write(async ({ db }) => {
        await db.deleteFrom(table).execute();
      });

    beforeEach(async () => {
      await fixture.start();
    });

    it('follows from the templates: all repositories of their owners', async () => {
      expect(await serves('acme', 'app')).toBe(true);
      expect(await serves('ACME', 'other')).toBe(true);
      expect(await serves('stranger', 'app')).toBe(false);
    });

    it('is asked once a minute for a repository in use, and each time for one that is not', async () => {
      const { servesRepo } = makeWebhookStore(at.database);
      const asks = async () => [
        await servesRepo(FORGE, 'acme', 'app'),
        await servesRepo(FORGE, 'stranger', 'app'),
      ];
      expect(await asks()).toEqual([true, false]);
      await at.database.write(async ({ db }) => {
        await db.updateTable('templates').set({ owner: 'stranger' }).execute();
      });
      await forget('runner_scopes');
      expect(await asks()).toEqual([true, true]);
      at.clock.advance(60_000);
      expect(await asks()).toEqual([false, true]);
    });

    it('follows from the scopes of runners, in whatever case they are written', async () => {
      await fixture.addRunners('3');
      await forget('templates');
      expect(await serves('Acme', 'other')).toBe(true);
      expect(await serves('stranger', 'app')).toBe(false);
    });

    it('follows from an attempt as soon as it is claimed, also where nothing else names its repository', async () => {
      await fixture.addRunners('3');
      const { attempt } = await fixture.claimNew(await fixture.lease());
      await at.database.write(async ({ db }) => {
        await db.updateTable('attempts').set({ owner: 'Elsewhere', repo: 'Tool' }).execute();
      });
      expect(await serves('elsewhere', 'tool')).toBe(true);
      expect(await serves('elsewhere', 'app')).toBe(false);
      // Given up, and watched: its run may still turn up.
      await at.database.write(async ({ db }) => {
        const set = { state: 'absent' as const, ended_at: at.clock.now() };
        await db.updateTable('attempts').set(set).where('id', '=', attempt.id).execute();
      });
      expect(await serves('elsewhere', 'tool')).toBe(true);
      await at.database.write(async ({ db }) => {
        await db.updateTable('attempts').set({ state: 'refused' }).execute();
      });
      expect(await serves('elsewhere', 'tool')).toBe(false);
    });
  });
}
