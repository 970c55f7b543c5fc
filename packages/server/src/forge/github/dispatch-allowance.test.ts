import { expect, it } from 'vitest';
import { FakeClock } from '../../lib/clock.testkit.ts';
import { MemoryBudgetStore } from '../budget-store.testkit.ts';
import { makeTestForge } from './start.testkit.ts';

/** A machine so loaded that each reading of the clock is a millisecond after the one before. */
class SlowClock extends FakeClock {
  override now(): number {
    this.step(1);
    return super.now();
  }
}

it('never says that none is left without saying when the next will be, however slowly it is asked', async () => {
  const clock = new SlowClock();
  const budgets = new MemoryBudgetStore(clock);
  const dispatchRate = { burst: 1, perSecond: 20 };
  const forge = makeTestForge({ baseUrl: 'http://127.0.0.1:1', clock, budgets }, { dispatchRate });
  for (let round = 0; round < 20; round += 1) {
    await clock.advance(1_000);
    expect(await forge.takeDispatch('acme')).toBeNull();
    clock.step(round);
    let { dispatchesLeft, retryAt } = forge.credentialFor('dispatch');
    while (dispatchesLeft === 0) {
      expect(retryAt).toBeGreaterThan(0);
      ({ dispatchesLeft, retryAt } = forge.credentialFor('dispatch'));
    }
  }
});
