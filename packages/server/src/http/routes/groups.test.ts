import { describe, expect, it } from 'vitest';
import type { Runner } from '../../domain/runner.ts';
import { openTestApp } from '../app.testkit.ts';
import { makeGroup, makeTemplate, noon } from '../store.testkit.ts';

const group = {
  id: 'g1',
  name: 'Group one',
  description: 'first',
  runner_labels: ['self-hosted', 'linux'],
  enabled: true,
  paused: false,
  created_at: '2026-01-01T12:00:00.000Z',
  updated_at: '2026-01-01T12:00:00.000Z',
};

const runner: Runner = {
  id: 'row-1',
  forgeId: 'github',
  scope: 'org:acme',
  forgeRunnerId: '42',
  name: 'box-1',
  labels: ['linux'],
  os: 'linux',
  status: 'online',
  isBusy: false,
  launchId: null,
  lastSeenAt: noon,
  createdAt: noon,
  updatedAt: noon,
};

describe('groups', () => {
  it('are listed with their counts, from one call of the store (defect #33)', async () => {
    const stats = {
      queuedJobs: 1,
      runningJobs: 2,
      idleRunners: 3,
      busyRunners: 4,
      onlineRunners: 6,
      totalRunners: 7,
      templateCount: 5,
    };
    const { ask } = await openTestApp({
      catalog: { listGroupsWithStats: async () => [{ ...makeGroup(), ...stats }] },
    });
    expect((await ask({ url: '/api/v1/groups' })).json()).toEqual([
      {
        ...group,
        queued_jobs: 1,
        running_jobs: 2,
        idle_runners: 3,
        busy_runners: 4,
        total_runners: 7,
        template_count: 5,
      },
    ]);
  });

  it('are told one by one without counts, and 404 when unknown', async () => {
    const { ask } = await openTestApp({
      catalog: { findGroup: async (id) => (id === 'g1' ? makeGroup() : undefined) },
    });
    expect((await ask({ url: '/api/v1/groups/g1' })).json()).toEqual(group);
    expect((await ask({ url: '/api/v1/groups/g2' })).json()).toEqual({
      error: 'group not found',
      code: 'unknown-group',
    });
  });

  it('are paused and resumed by name', async () => {
    const asked: unknown[] = [];
    const { ask } = await openTestApp({
      catalog: {
        setGroupPaused: async (id, isPaused, actor) => {
          asked.push([id, isPaused, actor]);
          return id === 'g1' ? makeGroup({ isPaused }) : undefined;
        },
      },
    });
    const post = (url: string) => ask({ method: 'POST', url });
    expect((await post('/api/v1/groups/g1/pause')).json()).toMatchObject({ paused: true });
    expect((await post('/api/v1/groups/g1/unpause')).json()).toMatchObject({ paused: false });
    expect((await post('/api/v1/groups/g2/pause')).statusCode).toBe(404);
    expect(asked[0]).toEqual(['g1', true, 'ada']);
  });
});

describe('templates', () => {
  it('are told with null for what the config does not give', async () => {
    const { ask } = await openTestApp({
      catalog: {
        listTemplates: async (id) => (id === 'g1' ? [makeTemplate({ defaultInputs: null })] : []),
        findTemplate: async (id) => (id === 't1' ? makeTemplate() : undefined),
      },
    });
    expect((await ask({ url: '/api/v1/groups/g1/templates' })).json()).toEqual([
      {
        id: 't1',
        group_id: 'g1',
        name: 'Template one',
        owner: 'acme',
        repo: 'rockets',
        workflow_id: 'build.yml',
        ref: 'main',
        default_inputs: null,
        labels: null,
        in_config: true,
        source_type: 'inline',
        source_path: '',
        created_at: '2026-01-01T12:00:00.000Z',
        updated_at: '2026-01-01T12:00:00.000Z',
      },
    ]);
    expect((await ask({ url: '/api/v1/groups/none/templates' })).json()).toEqual([]);
    expect((await ask({ url: '/api/v1/templates/t1' })).json()).toMatchObject({
      default_inputs: { client: 'geth' },
    });
    expect((await ask({ url: '/api/v1/templates/t2' })).statusCode).toBe(404);
  });
});

it('a template is taken by all its pending jobs, told by their number', async () => {
  const { ask } = await openTestApp({
    catalog: { findTemplate: async (id) => (id === 't1' ? makeTemplate({ id }) : undefined) },
    jobs: { takeTemplateByAll: async () => 3 },
  });
  const took = await ask({ method: 'POST', url: '/api/v1/templates/t1/take' });
  expect(took.json()).toEqual({ jobs: 3 });
  const unknown = await ask({ method: 'POST', url: '/api/v1/templates/t2/take' });
  expect(unknown.statusCode).toBe(404);
});

describe('runners', () => {
  it('are told by the id that the forge gave them', async () => {
    const { ask } = await openTestApp({
      runners: {
        listRunners: async () => [runner],
        listRunnersOfGroup: async (id) => (id === 'g1' ? [runner] : undefined),
      },
    });
    const wire = {
      id: 42,
      name: 'box-1',
      labels: ['linux'],
      status: 'online',
      busy: false,
      os: 'linux',
      last_seen_at: '2026-01-01T12:00:00.000Z',
      created_at: '2026-01-01T12:00:00.000Z',
      updated_at: '2026-01-01T12:00:00.000Z',
    };
    expect((await ask({ url: '/api/v1/runners' })).json()).toEqual([wire]);
    expect((await ask({ url: '/api/v1/groups/g1/runners' })).json()).toEqual([wire]);
    expect((await ask({ url: '/api/v1/groups/g2/runners' })).statusCode).toBe(404);
  });
});
