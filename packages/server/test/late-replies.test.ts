import { describe, expect, it, onTestFinished } from 'vitest';
import type { Forge } from '../src/forge/forge.ts';
import { impatient } from './harness/config-file.ts';
import { acme } from './harness/scenes.ts';
import { databases, startWorld } from './harness/world.ts';

/** A forge whose answers to dispatches are kept until they are let go: the process stands still for that long. */
class KeptAnswers {
  readonly #waiting: (() => void)[] = [];
  #isKeeping = true;

  readonly wrap = (forge: Forge): Forge =>
    new Proxy(forge, {
      get: (target, name) => {
        if (name === 'dispatch') return this.#dispatchOf(target);
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    });

  letGo(): void {
    this.#isKeeping = false;
    for (const go of this.#waiting.splice(0)) go();
  }

  #dispatchOf(forge: Forge): Forge['dispatch'] {
    return async (dispatch, signal) => {
      const answer = await forge.dispatch(dispatch, signal);
      if (this.#isKeeping) await new Promise<void>((resolve) => this.#waiting.push(resolve));
      return answer;
    };
  }
}

for (const database of databases) {
  describe(`a reply that comes after a correlation, on ${database.name}`, () => {
    it('changes nothing where both say the same', async () => {
      const kept = new KeptAnswers();
      const world = await startWorld({ database, config: impatient, wrapForge: kept.wrap });
      onTestFinished(() => {
        kept.letGo();
      });
      const { id } = await world.api.enqueue('linux', { template_id: 'build' });
      const done = await world.job(id, 'completed');
      kept.letGo();
      await world.until(
        'the reply is recorded',
        () => world.api.metrics(),
        (metrics) => metrics.get('dispatchoor_dispatcher_dispatches_total') === 1,
      );
      expect(await world.api.job(id)).toEqual(done);
      expect(world.ourRuns()).toHaveLength(1);
    });

    it('takes its run back where the correlation had guessed wrong', async () => {
      const kept = new KeptAnswers();
      const world = await startWorld({
        database,
        // No sooner may either of them be given up: with one run to be seen, closeness in time would tell whose it is.
        config: { github: { request_timeout: '6s' }, dispatcher: { send_deadline: '500ms' } },
        forge: acme(2),
        wrapForge: kept.wrap,
      });
      onTestFinished(() => {
        kept.letGo();
      });
      const inputs = { 'duration-ms': '600000' };
      // The request that leaves first acts last: the order in time, all a correlation has, is the wrong one.
      const { id: hold } = world.sim.addFault({ on: 'dispatch', kind: 'hold-before' });
      const first = await world.api.enqueue('linux', {
        template_id: 'build',
        inputs: { ...inputs, note: 'first' },
      });
      await world.forge('a dispatch on its way', ({ requests }) =>
        requests.some(({ endpoint }) => endpoint === 'dispatch'),
      );
      const second = await world.api.enqueue('linux', {
        template_id: 'build',
        inputs: { ...inputs, note: 'second' },
      });
      await world.forge('the second run', ({ runs }) => runs.length === 1);
      world.sim.release(hold);
      await world.forge('both runs', ({ runs }) => runs.length === 2);
      await world.job(first.id, 'running');
      const guessed = await world.job(second.id, 'running');
      expect(world.runOf(guessed).inputs['note']).toBe('first');
      kept.letGo();
      for (const [job, note] of [
        [first, 'first'],
        [second, 'second'],
      ] as const) {
        const settled = await world.job(
          job.id,
          (seen) =>
            seen.status === 'running' &&
            seen.run_id !== null &&
            seen.run_id > 0 &&
            world.runOf(seen).inputs['note'] === note,
        );
        world.sim.completeRun(settled.run_id ?? 0, 'success');
        await world.job(job.id, 'completed');
      }
      expect(world.ourRuns()).toHaveLength(2);
    });
  });
}
