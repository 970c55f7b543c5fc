import { expect, it } from 'vitest';
import { acme, namedGroups, workflow } from './harness/fixtures.ts';
import { startWorld } from './harness/start-world.ts';
import { databases, type World } from './harness/world.ts';

const WARNING = 'do not bear the id they are sent';

const warnings = ({ logLines }: World) => logLines.filter((line) => line.includes(WARNING));

/** It takes the id, and its author has forgotten `run-name`. */
const nameless = workflow({ runName: 'Build' });

const config = {
  // On a busy machine an answer takes longer than a second, and would be lost.
  github: { request_timeout: '4s' },
  dispatcher: { send_deadline: '500ms', run_lookup_timeout: '6s' },
  groups: namedGroups,
};

it.each(databases)(
  'GitHub Enterprise Server 3.20 and a workflow whose run-name lacks the id: what is sent first fails and says so, what comes after it does not, on $name',
  async (database) => {
    const world = await startWorld({
      ...{ database, sim: { ghes: '3.20' }, exceptions: { hiddenRuns: 2, ambiguousRuns: 2 } },
      config,
      forge: { ...acme(4), workflows: [nameless] },
    });
    const enqueue = (note: string) =>
      world.api.enqueue('linux', { template_id: 'build', inputs: { note } });
    await world.api.pauseGroup('linux');
    const first = [await enqueue('one'), await enqueue('two')];
    await world.api.unpauseGroup('linux');
    for (const { id } of first) {
      const { error_message: message, inputs } = await world.job(id, 'failed');
      expect(message).toMatch(/^outcome-ambiguous: the forge answered .* without naming the run/);
      const run = world.ourRuns().find((one) => one.inputs['note'] === inputs?.['note']);
      expect(message).toContain(`${run?.id} (${world.sim.url}/acme/app/actions`);
      expect(message).not.toContain('was lost');
    }
    await world.until(
      'a warning',
      () => warnings(world),
      (lines) => lines.length === 1,
    );
    for (const note of ['three', 'four']) {
      const done = await world.job((await enqueue(note)).id, 'completed');
      expect(world.runOf(done).inputs['note']).toBe(note);
    }
    expect(world.ourRuns()).toHaveLength(4);
    expect(warnings(world)).toHaveLength(1);
  },
);
