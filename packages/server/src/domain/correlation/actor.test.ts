import { describe, expect, it } from 'vitest';
import { CLAIMED_AT } from '../attempt.testkit.ts';
import { decide, madeAfter, OVER, SECOND, sentAfter } from './correlation.testkit.ts';
import type { SearchedAttempt } from './window.ts';

describe('of runs in its time an attempt', () => {
  it('takes none that does not tell who started it: it forbids to send again', () => {
    const runs = [madeAfter('1', 0, { actor: '' })];
    const attempts = [sentAfter('a', 0, { missingSince: OVER })];
    expect(decide({ attempts, runs, listedAt: CLAIMED_AT + 400 * SECOND })).toEqual({
      a: 'ambiguous: 1',
    });
  });

  it('takes those of its login at the claim and of the one that its account has now', () => {
    const adopted = (actor: string, over: Partial<SearchedAttempt> = {}) => {
      const attempts = [sentAfter('a', 0, { actorNow: 'Ship-Bot', ...over })];
      return decide({ attempts, runs: [madeAfter('1', 0, { actor })] })['a'] !== 'wait';
    };
    expect(adopted('ship-bot')).toBe(true);
    expect(adopted('BOT')).toBe(true);
    expect(adopted('someone')).toBe(false);
    // Who we are now is not known.
    expect(adopted('someone', { actorNow: '' })).toBe(false);
  });
});
