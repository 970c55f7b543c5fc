import { describe, expect, it } from 'vitest';
import { impatient } from './harness/config-file.ts';
import { acme, linuxGroup, RUNNERS_TOKEN, TOKEN, template, workflow } from './harness/fixtures.ts';
import { startWorld } from './harness/start-world.ts';
import { databases, type World } from './harness/world.ts';

const PROBE_MS = 5 * 60_000 + 1_000;
/** Until a 404 is looked into again; the quick configuration of these tests would not wait. */
const RECHECK_MS = 60_000;
const config = {
  // On a slow machine runners listed every 100 ms are stale more often than fresh.
  github: { poll_interval: '1s', runners_token: RUNNERS_TOKEN },
  dispatcher: { recheck_after: `${RECHECK_MS / 1_000}s` },
};

const dispatchesOf = (world: World): number =>
  world.sim.ledger().requests.filter(({ endpoint }) => endpoint === 'dispatch').length;

for (const database of databases) {
  describe(`a refusal on ${database.name}`, () => {
    it('for a job’s own inputs fails that job; three typos do not stop the workflow', async () => {
      const world = await startWorld({ database, config });
      for (const inputs of [{ tpyo: '1' }, { noet: '1' }, { durration: '1' }]) {
        const { id } = await world.api.enqueue('linux', { template_id: 'build', inputs });
        const failed = await world.job(id, 'failed');
        expect(failed.error_message).toContain('Unexpected inputs provided');
      }
      const good = await world.api.enqueue('linux', { template_id: 'build' });
      await world.job(good.id, 'completed');
    });

    it('of a disabled workflow leaves its jobs waiting, and they start once it is enabled', async () => {
      const forge = acme(1, { workflows: [workflow({ isDisabled: true })] });
      const world = await startWorld({ database, config, forge });
      const { id } = await world.api.enqueue('linux', { template_id: 'build' });
      const why = await world.why(id, 'workflow-disabled');
      expect(why.message).toContain('enable');
      expect(await world.api.job(id)).toMatchObject({ status: 'pending' });
      world.sim.seed({ workflows: [workflow()] });
      await world.moveTime(PROBE_MS);
      await world.job(id, 'completed');
    });

    it('of an archived repository leaves its jobs waiting, and does not blame the token', async () => {
      const archive = (archived: boolean) => ({
        repos: [{ owner: 'acme', name: 'app', archived }],
      });
      const world = await startWorld({
        ...{ database, config },
        prepare: (sim) => sim.seed(archive(true)),
      });
      const { id } = await world.api.enqueue('linux', { template_id: 'build' });
      const why = await world.why(id, 'repository-archived');
      expect(why.message).toContain('unarchive');
      expect(why.message).not.toContain('permission');
      world.sim.seed(archive(false));
      await world.moveTime(PROBE_MS);
      await world.job(id, 'completed');
    });

    it('for single sign-on shows the link by which the token is authorised', async () => {
      const world = await startWorld({ database, config });
      const first = await world.api.enqueue('linux', { template_id: 'build' });
      await world.job(first.id, 'completed');
      world.sim.setToken(TOKEN, { unauthorisedBy: ['acme'] });
      const { id } = await world.api.enqueue('linux', { template_id: 'build' });
      const why = await world.until(
        'the link is shown',
        () => world.api.why(id),
        ({ message }) => message.includes('/orgs/acme/sso?authorization_request='),
      );
      expect(why.message).toContain('github.token');
      world.sim.setToken(TOKEN, { unauthorisedBy: [] });
      await world.moveTime(PROBE_MS);
      await world.job(id, 'completed');
    });

    it('403 of a gateway, in words that are not GitHub’s, stops no other workflow of the repository', async () => {
      const templates = [
        template({ id: 'build' }),
        template({ id: 'other', workflow_id: 'other.yaml' }),
      ];
      const groups = { github: [{ ...linuxGroup, workflow_dispatch_templates: templates }] };
      const forge = acme(1, { workflows: [workflow({ file: 'other.yaml' })] });
      const world = await startWorld({ database, config: { ...impatient, groups }, forge });
      world.sim.addFault({ on: 'dispatch', kind: 'status-before', status: 403 });
      const bad = await world.api.enqueue('linux', { template_id: 'build' });
      await world.forge('a refusal', () => dispatchesOf(world) === 1);
      const good = await world.api.enqueue('linux', { template_id: 'other' });
      await world.job(good.id, 'completed');
      // What that says is no answer of the forge: whether it has started anything is looked for first.
      await world.job(bad.id, 'completed');
      expect(world.ourRuns()).toHaveLength(2);
    });

    it('408 of a proxy that had passed the request on: the job has the run that was started, and no second', async () => {
      const world = await startWorld({ database, config: impatient });
      world.sim.addFault({ on: 'dispatch', kind: 'status-after', status: 408 });
      const { id } = await world.api.enqueue('linux', { template_id: 'build' });
      await world.job(id, 'completed');
      expect(world.ourRuns()).toHaveLength(1);
      expect(dispatchesOf(world)).toBe(1);
    });

    it.each([421, 423, 425])('%i passes: the job starts once, a moment later', async (status) => {
      const world = await startWorld({ database, config });
      world.sim.addFault({ on: 'dispatch', kind: 'status-before', status });
      const { id } = await world.api.enqueue('linux', { template_id: 'build' });
      await world.forge('a refusal', () => dispatchesOf(world) === 1);
      await world.moveTime(10_000);
      await world.job(id, 'completed');
      expect(world.ourRuns()).toHaveLength(1);
    });

    it('a single 404 passes: the job starts once the forge finds the workflow again', async () => {
      const world = await startWorld({ database, config });
      world.sim.addFault({ on: 'dispatch', kind: 'not-found' });
      const { id } = await world.api.enqueue('linux', { template_id: 'build' });
      const why = await world.why(id, 'backoff');
      expect(why.message).toContain('did not find build.yaml');
      await world.moveTime(RECHECK_MS + 1_000);
      await world.job(id, 'completed');
    });

    it('404 that repeats a while later fails the job', async () => {
      const world = await startWorld({ database, config });
      world.sim.addFault({ on: 'dispatch', kind: 'not-found', times: 'always' });
      const { id } = await world.api.enqueue('linux', { template_id: 'build' });
      await world.why(id, 'backoff');
      await world.moveTime(RECHECK_MS + 1_000);
      const failed = await world.job(id, 'failed');
      expect(failed.error_message).toContain('404');
      expect(dispatchesOf(world)).toBe(2);
    });
  });
}
