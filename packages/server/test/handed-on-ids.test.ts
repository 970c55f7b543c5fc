import { expect, it } from 'vitest';
import { impatient } from './harness/config-file.ts';
import {
  acme,
  CORRELATION_INPUT,
  dispatchByHand,
  HUMAN_TOKEN,
  LONG,
  linuxGroup,
  TOKEN,
  template,
  UNSEEN_MS,
  workflow,
} from './harness/fixtures.ts';
import { startWorld } from './harness/start-world.ts';
import { sqlite, type World } from './harness/world.ts';

/** It takes the id, and its author has forgotten `run-name`. */
const nameless = workflow({ runName: 'Build' });

/** What runs of the other start, with the id that they were handed. */
const deploy = workflow({
  file: 'deploy.yaml',
  name: 'Deploy',
  runName: `Deploy \${{ inputs.parent }} \${{ inputs.${CORRELATION_INPUT} }}`,
  inputs: {
    [CORRELATION_INPUT]: { default: '' },
    parent: { default: '' },
    'duration-ms': { default: '20' },
    note: { default: '' },
  },
  jobs: [{ name: 'deploy', runsOn: ['linux'], durationMs: { fromInput: 'duration-ms' } }],
});

const templates = ['build', 'deploy'].map((id) =>
  template({ id, workflow_id: `${id}.yaml`, correlation_input: CORRELATION_INPUT }),
);

const config = {
  waits: { cancel_retry: '100ms' },
  groups: { github: [{ ...linuxGroup, workflow_dispatch_templates: templates }] },
};

const options = {
  database: sqlite,
  config,
  forge: { ...acme(4), workflows: [nameless, deploy] },
};

/** The own run of the job, which no attempt ever has. */
const exceptions = { hiddenRuns: 1, ambiguousRuns: 1 };

/** Of the job whose run has just been made. */
async function handedId(world: World): Promise<string> {
  const { runs } = await world.forge('its run', ({ runs: { length } }) => length === 1);
  return runs[0]?.inputs[CORRELATION_INPUT] ?? '';
}

const requests = ({ sim }: World, name: string) =>
  sim.ledger().requests.filter(({ endpoint }) => endpoint === name);

it('a run of another workflow that was handed the id is not shown for the own run, which bears none', async () => {
  const world = await startWorld({ ...options, exceptions });
  world.sim.addFault({ on: 'dispatch', kind: 'reset-after' });
  const { id } = await world.api.enqueue('linux', { template_id: 'build' });
  const inputs = { [CORRELATION_INPUT]: await handedId(world) };
  await dispatchByHand(world.sim, { workflow: 'deploy.yaml', token: TOKEN, inputs });
  await world.moveTime(UNSEEN_MS);
  const failed = await world.job(id, ({ status }) => ['failed', 'completed'].includes(status));
  expect(failed).toMatchObject({ status: 'failed', run_id: 0 });
  for (const run of world.sim.ledger().runs) {
    expect(failed.error_message).toContain(`${run.id} (${world.sim.url}/acme/app/actions`);
  }
  expect(requests(world, 'dispatch')).toHaveLength(2);
});

/** It starts itself again, and shows in its name only what started it. */
const staged = workflow({
  runName: `Build \${{ inputs.parent }}`,
  inputs: {
    [CORRELATION_INPUT]: { default: '' },
    parent: { default: '' },
    note: { default: '' },
  },
});

it.each([
  // Both are of our account, and no job's.
  ['our account', TOKEN, 2],
  ['another account', HUMAN_TOKEN, 1],
])(
  'a second stage of the same workflow, started by %s, is not shown for the own run that it was handed the id of',
  async (_, token, nobodys) => {
    const forge = { ...acme(4), workflows: [staged, deploy] };
    const hidden = { hiddenRuns: nobodys, ambiguousRuns: nobodys };
    const world = await startWorld({ ...options, forge, exceptions: hidden });
    world.sim.addFault({ on: 'dispatch', kind: 'reset-after' });
    const { id } = await world.api.enqueue('linux', { template_id: 'build' });
    const inputs = { parent: await handedId(world), note: 'second stage' };
    // A step of its own run starts it, on a runner.
    await world.moveTime(3_000);
    await dispatchByHand(world.sim, { workflow: 'build.yaml', token, inputs });
    await world.moveTime(UNSEEN_MS);
    const failed = await world.job(id, ({ status }) => ['failed', 'completed'].includes(status));
    expect(failed).toMatchObject({ status: 'failed', run_id: 0 });
    expect(failed.error_message).toContain(`${world.sim.ledger().runs[0]?.id} (`);
  },
);

it('what the run of a failed job starts as another account, with the id it was handed, is not ended', async () => {
  const world = await startWorld({
    ...{ ...options, exceptions },
    config: { ...config, ...impatient },
  });
  world.sim.addFault({ on: 'dispatch', kind: 'reset-after' });
  const { id } = await world.api.enqueue('linux', { template_id: 'build' });
  const inputs = { ...LONG, [CORRELATION_INPUT]: await handedId(world) };
  await world.job(id, 'failed');
  await dispatchByHand(world.sim, { workflow: 'deploy.yaml', token: HUMAN_TOKEN, inputs });
  const looks = (): number => requests(world, 'listRuns').length;
  const before = looks();
  const cancels = () => requests(world, 'cancel');
  await world.forge('looks for late runs', () => looks() > before + 3 || cancels().length > 0);
  expect(cancels()).toEqual([]);
  const late = (await world.api.metrics()).get('dispatchoor_late_runs_total{group="linux"}');
  expect(late ?? 0).toBe(0);
});

it('GitHub Enterprise Server 3.20: a run that bears the id of the job before it beside its own is its own job’s', async () => {
  const world = await startWorld({ ...options, sim: { ghes: '3.20' }, exceptions });
  const first = await world.api.enqueue('linux', { template_id: 'build' });
  const parent = await handedId(world);
  const inputs = { parent, note: 'deploy' };
  const second = await world.api.enqueue('linux', { template_id: 'deploy', inputs });
  const done = await world.job(second.id, 'completed');
  expect(world.runOf(done).inputs['note']).toBe('deploy');
  await world.moveTime(UNSEEN_MS);
  const failed = await world.job(first.id, 'failed');
  expect(failed.run_id).toBe(0);
  expect(failed.error_message).toContain(`${world.sim.ledger().runs[0]?.id} (`);
});

it('a run of another workflow that bears the id, where there is no other, is taken for that of a renamed workflow', async () => {
  const world = await startWorld(options);
  world.sim.addFault({ on: 'dispatch', kind: 'status-before' });
  const { id } = await world.api.enqueue('linux', { template_id: 'build' });
  await world.forge('a dispatch that failed', () =>
    requests(world, 'dispatch').some(({ status }) => status === 502),
  );
  const [attempt] = await world.store.runs.listLive('github');
  const inputs = { [CORRELATION_INPUT]: attempt?.id ?? '' };
  await dispatchByHand(world.sim, { workflow: 'deploy.yaml', token: TOKEN, inputs });
  await world.moveTime(UNSEEN_MS);
  const done = await world.job(id, 'completed');
  expect(done.run_id).toBe(world.sim.ledger().runs[0]?.id);
  expect(requests(world, 'dispatch')).toHaveLength(2);
});
