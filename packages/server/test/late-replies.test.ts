import { describe, expect, it, onTestFinished } from 'vitest';
import type { Forge } from '../src/forge/forge.ts';
import { acme, BY_HAND, dispatchByHand, LONG, TOKEN, UNSEEN_MS } from './harness/fixtures.ts';
import { startWorld } from './harness/start-world.ts';
import { databases } from './harness/world.ts';

/** As short as may be where each answer has to come in time, on a busy machine too: only then is it kept. */
const config = {
  github: { request_timeout: '6s' },
  dispatcher: { send_deadline: '3s', run_lookup_timeout: '10s' },
};

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
      const world = await startWorld({ database, config, wrapForge: kept.wrap });
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
      const wrapForge = kept.wrap;
      const world = await startWorld({ database, config, forge: acme(2), wrapForge });
      onTestFinished(() => {
        kept.letGo();
      });
      // Its run is not listed yet when somebody starts one with the same token: closeness in time is all there is.
      world.sim.setRunVisibility({ delayMs: UNSEEN_MS });
      const inputs = { ...LONG, note: 'ours' };
      const { id } = await world.api.enqueue('linux', { template_id: 'build', inputs });
      await world.forge('its run', ({ runs }) => runs.length === 1);
      world.sim.setRunVisibility({ delayMs: 0 });
      const byHand = { workflow: 'build.yaml', token: TOKEN };
      await dispatchByHand(world.sim, { ...byHand, inputs: LONG });
      const guessed = await world.job(id, 'running');
      expect(world.runOf(guessed).inputs['note']).toBe(BY_HAND);
      kept.letGo();
      const ours = world.ourRuns()[0];
      const settled = await world.job(id, (job) => job.run_id === ours?.id);
      await world.moveTime(UNSEEN_MS);
      world.sim.completeRun(settled.run_id ?? 0, 'success');
      await world.job(id, 'completed');
      expect(world.runOf(guessed).conclusion).toBeNull();
      expect(world.ourRuns()).toHaveLength(1);
    });
  });
}
