import { describe, expect, it } from 'vitest';
import * as readme from '../src/config/go-readme.testkit.ts';
import { TOKEN } from './harness/fixtures.ts';
import { startWorld } from './harness/start-world.ts';
import { databases } from './harness/world.ts';

/** Nobody can leave its default of a minute or half of one, which these files do, and still be tested in seconds. */
const LONGEST_DEFAULT_MS = 61_000;

for (const database of databases) {
  describe(`a configuration of the Go program on ${database.name}`, () => {
    it('from its quick start runs a job, unchanged but for github.base_url', async () => {
      const world = await startWorld({
        database,
        configText: {
          text: (baseUrl) =>
            readme.quickStart.replace(/^github:\n/, `github:\n  base_url: ${baseUrl}\n`),
          env: { GITHUB_TOKEN: TOKEN },
          password: 'changeme',
        },
        forge: {
          owners: [{ login: 'my-org', type: 'Organization' }],
          tokens: [{ token: TOKEN, login: 'release-bot' }],
          repos: [{ owner: 'my-org', name: 'my-repo' }],
          workflows: [
            {
              owner: 'my-org',
              repo: 'my-repo',
              file: 'my-workflow.yml',
              inputs: { param1: { required: true } },
              jobs: [{ name: 'work', runsOn: ['self-hosted', 'linux'], durationMs: 20 }],
            },
          ],
          runners: [
            { scope: 'org:my-org', name: 'runner-1', labels: ['self-hosted', 'linux', 'X64'] },
          ],
        },
      });
      const added = await world.api.enqueue('my-runners', { template_id: 'my-job' });
      await world.job(added.id, ({ run_id: run }) => run !== null && run > 0);
      await world.forge('its run has ended', ({ runs }) => runs[0]?.status === 'completed');
      await world.moveTime(LONGEST_DEFAULT_MS);
      const done = await world.job(added.id, 'completed');
      const run = world.runOf(done);
      expect(run.inputs).toEqual({ param1: 'value1' });
      expect(done).toMatchObject({
        ...{ group_id: 'my-runners', template_id: 'my-job', inputs: { param1: 'value1' } },
        ...{ runner_name: 'runner-1', created_by: 'admin' },
        run_url: `${world.sim.url}/my-org/my-repo/actions/runs/${run.id}`,
      });
      expect(await world.api.history('my-runners')).toMatchObject({
        ...{ jobs: [done], has_more: false, total_count: 1 },
      });
    });

    it('from its other examples runs a job of the matrix', async () => {
      const world = await startWorld({
        database,
        configText: {
          text: (baseUrl) =>
            `github:\n  base_url: ${baseUrl}\n  token: \${GITHUB_TOKEN}\n${readme.basicAuth}${readme.groups}`,
          env: { GITHUB_TOKEN: TOKEN, ADMIN_PASSWORD: 'pa$$ #1', VIEWER_PASSWORD: 'v: w' },
          password: 'pa$$ #1',
        },
        forge: {
          owners: [{ login: 'ethpandaops', type: 'Organization' }],
          tokens: [{ token: TOKEN, login: 'release-bot' }],
          repos: [{ owner: 'ethpandaops', name: 'syncoor-tests' }],
          workflows: [
            {
              owner: 'ethpandaops',
              repo: 'syncoor-tests',
              file: 'syncoor.yaml',
              refs: ['master'],
              inputs: { 'el-client': {}, 'cl-client': {}, config: {} },
              jobs: [{ name: 'sync', runsOn: ['self-hosted', 'sync-test'], durationMs: 20 }],
            },
          ],
          runners: [
            { scope: 'org:ethpandaops', name: 'sync-1', labels: ['self-hosted', 'sync-test'] },
          ],
        },
      });
      const job = { template_id: 'sync-geth-prysm', inputs: { 'cl-client': 'lighthouse' } };
      const added = await world.api.enqueue('sync-tests', job);
      await world.job(added.id, ({ run_id: run }) => run !== null && run > 0);
      await world.forge('its run has ended', ({ runs }) => runs[0]?.status === 'completed');
      await world.moveTime(LONGEST_DEFAULT_MS);
      const done = await world.job(added.id, 'completed');
      expect(world.runOf(done)).toMatchObject({
        ref: 'master',
        inputs: {
          'el-client': 'geth',
          'cl-client': 'lighthouse',
          config: '{"network": "mainnet"}',
        },
      });
    });
  });
}
