import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../../lib/clock.testkit.ts';
import { retrying } from './retrying.ts';

const lost = new Error('lost a race');

function rules(clock: FakeClock) {
  return {
    clock,
    findDelay: (error: unknown) => (error === lost ? { firstMs: 10, longestMs: 80 } : undefined),
    giveUpAfterMs: 1_000,
  };
}

describe('trying again', () => {
  it('goes on until it wins', async () => {
    const clock = new FakeClock();
    let tries = 0;
    const won = retrying(rules(clock), async () => {
      tries += 1;
      if (tries < 4) throw lost;
      return 'won';
    });
    await clock.advance(1_000);
    expect(await won).toBe('won');
    expect(tries).toBe(4);
  });

  it('waits longer each time, up to a limit, half more or less by chance', async () => {
    const clock = new FakeClock();
    const startedAt = clock.monotonic();
    const triedAt: number[] = [];
    const failed = retrying(rules(clock), async () => {
      triedAt.push(clock.monotonic() - startedAt);
      throw lost;
    });
    const rejected = expect(failed).rejects.toBe(lost);
    await clock.advance(2_000);
    await rejected;
    const waits = triedAt.slice(1).map((at, i) => at - triedAt[i]!);
    const bases = [10, 20, 40, 80, 80, 80];
    for (const [i, base] of bases.entries()) {
      expect(waits[i]).toBeGreaterThanOrEqual(base / 2);
      expect(waits[i]).toBeLessThanOrEqual(base * 1.5);
    }
  });

  it('ends with the error of the first attempt after its time', async () => {
    const clock = new FakeClock();
    const failed = expect(
      retrying(rules(clock), async () => {
        throw lost;
      }),
    ).rejects.toBe(lost);
    await clock.advance(1_200);
    await failed;
    expect(clock.pendingTimers).toBe(0);
  });

  it('does not try again what is not known to be lost', async () => {
    let tries = 0;
    const failed = retrying(rules(new FakeClock()), async () => {
      tries += 1;
      throw new Error('a bug');
    });
    await expect(failed).rejects.toThrow('a bug');
    expect(tries).toBe(1);
  });
});
