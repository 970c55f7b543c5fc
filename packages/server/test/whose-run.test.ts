import type { Job } from '@dispatchoor/api-contract';
import { describe, expect, it } from 'vitest';
import { impatient } from './harness/config-file.ts';
import {
  acme,
  CORRELATION_INPUT,
  dispatchByHand,
  HUMAN_TOKEN,
  linuxGroup,
  TOKEN,
  template,
  workflow,
} from './harness/fixtures.ts';
import { startWorld } from './harness/start-world.ts';
import { databases, type World } from './harness/world.ts';

const SECOND = 1_000;

/** Its runs bear the id that they are sent. */
const named = workflow({
  file: 'named.yaml',
  runName: `Build \${{ inputs.${CORRELATION_INPUT} }}`,
  inputs: { [CORRELATION_INPUT]: { default: '' }, note: { default: '' } },
  jobs: [{ name: 'build', runsOn: ['linux'], durationMs: 20 }],
});

/** It takes the id, and its author has forgotten `run-name`. */
const nameless = workflow({
  file: 'nameless.yaml',
  runName: 'Build',
  inputs: { [CORRELATION_INPUT]: { default: '' }, note: { default: '' } },
  jobs: [{ name: 'build', runsOn: ['linux'], durationMs: 20 }],
});

const templates = ['build', 'named', 'nameless'].map((id) =>
  template({
    id,
    workflow_id: `${id}.yaml`,
    ...(id === 'build' ? {} : { correlation_input: CORRELATION_INPUT }),
  }),
);

const config = {
  ...impatient,
  groups: { github: [{ ...linuxGroup, workflow_dispatch_templates: templates }] },
};

const forge = acme(2, { workflows: [named, nameless] });

const dispatches = ({ sim }: World) =>
  sim.ledger().requests.filter(({ endpoint }) => endpoint === 'dispatch');

/** Each job has the run that was started with its inputs. */
function expectOwnInputs(world: World, jobs: readonly Job[]): void {
  const ran = jobs.map((job) => world.runOf(job).inputs['note']);
  expect(ran).toEqual(jobs.map(({ inputs }) => inputs?.['note']));
}

for (const database of databases) {
  describe(`a dispatch without an answer on ${database.name}`, () => {
    it.each(['build', 'named', 'nameless'])(
      'that started nothing takes no run that somebody made with the same token before its claim (%s)',
      async (templateId) => {
        const world = await startWorld({ database, config, forge });
        // Whose run shows how the clock of stamps stands: before, what is made in the minute before a claim is not ruled out.
        const known = await world.api.enqueue('linux', { template_id: 'build' });
        await world.job(known.id, 'completed');
        await dispatchByHand(world.sim, { workflow: `${templateId}.yaml`, token: TOKEN });
        await world.forge('its run has ended', ({ runs }) => runs[1]?.conclusion === 'success');
        await world.moveTime(20 * SECOND);
        world.sim.addFault({ on: 'dispatch', kind: 'status-before' });
        const { id } = await world.api.enqueue('linux', { template_id: templateId });
        const done = await world.job(id, 'completed');
        expect(done.run_id).toBe(world.ourRuns()[1]?.id);
        expect(dispatches(world).map(({ acted }) => acted)).toEqual([true, true, false, true]);
      },
    );

    it('is not sent again while a run without its id may be its own, and names that run', async () => {
      const exceptions = { hiddenRuns: 1, ambiguousRuns: 1 };
      const world = await startWorld({ database, config, forge, exceptions });
      world.sim.addFault({ on: 'dispatch', kind: 'reset-after' });
      const { id } = await world.api.enqueue('linux', { template_id: 'nameless' });
      const failed = await world.job(id, 'failed');
      const [run] = world.ourRuns();
      expect(failed.error_message).toContain(`outcome-ambiguous`);
      expect(failed.error_message).toContain(`run ${run?.id} (${world.sim.url}/acme/app/actions`);
      expect(failed.error_message).toContain('correlation_input');
      expect(dispatches(world)).toHaveLength(1);
      expect(run?.conclusion).toBe('success');
    });

    it('is sent again beside such a run once the workflow has shown that it bears ids', async () => {
      const world = await startWorld({ database, config, forge });
      const first = await world.api.enqueue('linux', { template_id: 'named' });
      await world.job(first.id, 'completed');
      world.sim.addFault({ on: 'dispatch', kind: 'status-before' });
      const { id } = await world.api.enqueue('linux', { template_id: 'named' });
      await world.forge('a dispatch that failed', ({ requests }) =>
        requests.some(({ endpoint, status }) => endpoint === 'dispatch' && status === 502),
      );
      await dispatchByHand(world.sim, { workflow: 'named.yaml', token: TOKEN });
      const done = await world.job(id, 'completed');
      expect(world.runOf(done).title).toContain('Build 0');
      expect(dispatches(world).map(({ acted }) => acted)).toEqual([true, false, true, true]);
    });

    it('is told apart by its time where a run has shown that the id gets lost, which is warned of', async () => {
      const world = await startWorld({ database, config, forge });
      const first = await world.api.enqueue('linux', { template_id: 'nameless' });
      await world.job(first.id, 'completed');
      await world.until(
        'a warning',
        () => world.logLines,
        (lines) => lines.some((line) => line.includes('do not bear the id they are sent')),
      );
      world.sim.addFault({ on: 'dispatch', kind: 'reset-after' });
      const { id } = await world.api.enqueue('linux', { template_id: 'nameless' });
      const done = await world.job(id, 'completed');
      expect(done.run_id).toBe(world.ourRuns()[1]?.id);
    });

    it('keeps those with other inputs waiting: none gets another’s run, none is sent twice', async () => {
      const world = await startWorld({ database, config, forge });
      // Of two that are lost in one burst the first acts, and the second does not.
      world.sim.addFault({ on: 'dispatch', kind: 'reset-after' });
      world.sim.addFault({ on: 'dispatch', kind: 'status-before' });
      await world.api.pauseGroup('linux');
      const jobs = [];
      for (const note of ['one', 'two']) {
        jobs.push(await world.api.enqueue('linux', { template_id: 'build', inputs: { note } }));
      }
      await world.api.unpauseGroup('linux');
      const ended = await Promise.all(jobs.map(({ id }) => world.job(id, 'completed')));
      expectOwnInputs(world, ended);
      expect(world.ourRuns()).toHaveLength(2);
    });

    it('says what a job with other inputs waits for', async () => {
      const world = await startWorld({ database, forge });
      world.sim.addFault({ on: 'dispatch', kind: 'status-before' });
      const sent = await world.api.enqueue('linux', { template_id: 'build' });
      await world.job(sent.id, 'triggered');
      const inputs = { note: 'other' };
      const { id } = await world.api.enqueue('linux', { template_id: 'build', inputs });
      const why = await world.why(id, 'outcome-pending');
      expect(why.message).toContain(`Job ${sent.id} was sent to build.yaml with other inputs`);
      expect(dispatches(world)).toHaveLength(1);
    });

    it.each(['build', 'named'])(
      'is found by a plain listing where searches show nothing (%s)',
      async (templateId) => {
        const waits = { run_visible: '300ms' };
        const world = await startWorld({ database, config: { ...config, waits }, forge });
        world.sim.setRunSearch({ blind: true });
        world.sim.addFault({ on: 'dispatch', kind: 'reset-after' });
        const { id } = await world.api.enqueue('linux', { template_id: templateId });
        await world.job(id, 'completed');
        expect(world.ourRuns()).toHaveLength(1);
        expect(dispatches(world)).toHaveLength(1);
      },
    );
  });
}

it('of somebody else’s token never counts as ours', async () => {
  const [database] = databases;
  if (database === undefined) throw new Error('no database');
  const world = await startWorld({ database, config, forge });
  world.sim.addFault({ on: 'dispatch', kind: 'status-before' });
  const { id } = await world.api.enqueue('linux', { template_id: 'named' });
  await world.forge('a dispatch that failed', ({ requests }) =>
    requests.some(({ endpoint, status }) => endpoint === 'dispatch' && status === 502),
  );
  await dispatchByHand(world.sim, { workflow: 'named.yaml', token: HUMAN_TOKEN });
  await world.job(id, 'completed');
  expect(world.ourRuns()).toHaveLength(1);
});
