import { describe, expect, it } from 'vitest';
import { letOthersFirst, tiersPassed, yieldingOf } from './probe-yield.ts';

const MINUTE = 60_000;
const NOW = 1_000 * MINUTE;

const workflow = (name: string, dueMinutesAgo: number, refusals = 2) => {
  return { name, refusals, nextProbeAt: NOW - dueMinutesAgo * MINUTE };
};
type Failing = ReturnType<typeof workflow>;
const named = (failing: readonly Failing[]) => failing.map(({ name }) => name);
const yielding = (...failing: Failing[]) => named(yieldingOf(failing, NOW, null));

describe('the probe of a workflow that fails', () => {
  it('yields for ten minutes, from the second failure on where it is alone', () => {
    expect(yielding(workflow('a', 0, 1))).toEqual([]);
    expect(yielding(workflow('a', 9.9))).toEqual(['a']);
    expect(yielding(workflow('a', 10))).toEqual([]);
  });

  it('yields from its first failure on beside others: three in turn kept a good job waiting for half an hour', () => {
    expect(yielding(workflow('a', 0, 1), workflow('b', 0, 1))).toEqual(['a', 'b']);
  });

  it('is one among others once more when the forge has started something since: an outage that passed is over', () => {
    const failing = [workflow('a', 5, 1), workflow('b', 2, 1), workflow('c', 5, 2)];
    const acceptedAt = NOW - 3 * MINUTE;
    expect(named(yieldingOf(failing, NOW, acceptedAt))).toEqual(['b', 'c']);
  });

  it('is one among others the more rarely the more fail, and not right after another', () => {
    const all = (dueMinutesAgo: number) => ['a', 'b', 'c'].map((n) => workflow(n, dueMinutesAgo));
    expect(yielding(...all(29.9))).toEqual(['a', 'b', 'c']);
    expect(yielding(...all(30))).toEqual(['b', 'c']);
    expect(yielding(...all(40))).toEqual(['c']);
    expect(yielding(...all(50))).toEqual([]);
  });

  it('is tried as one among others after the whole forge had failed, and makes none of the others rarer', () => {
    expect(yielding(workflow('a', 0, 0), workflow('b', 9.9))).toEqual(['b']);
    expect(yielding(workflow('a', 0, 0), workflow('b', 10))).toEqual([]);
  });
});

describe('the workflows of a repository that fails', () => {
  const all = [workflow('a', 0, 1), workflow('b', 0, 2), workflow('c', 0, 3)];
  const letting = (tiers: readonly number[], failedMinutesAgo = 1) =>
    named(letOthersFirst(all, tiers, tiersPassed(NOW - failedMinutesAgo * MINUTE, NOW)));

  it('let those go first that failed less often, one that was not tried before all', () => {
    expect(letting([0, 1, 2, 3])).toEqual(['a', 'b', 'c']);
    expect(letting([1, 2, 3])).toEqual(['b', 'c']);
    expect(letting([2, 3])).toEqual(['c']);
  });

  it('let nobody go first where none can go', () => {
    expect(letting([])).toEqual([]);
  });

  it('let the next ones go, too, where the first did not in a quarter of an hour: not all, or one that always fails goes each time', () => {
    expect(letting([0, 1, 3], 14.9)).toEqual(['a', 'b', 'c']);
    expect(letting([0, 1, 3], 15)).toEqual(['b', 'c']);
    expect(letting([0, 1, 3], 30)).toEqual([]);
    expect(letting([0], 300)).toEqual(['a', 'b', 'c']);
  });

  it('pass nobody by where the forge’s failure is stored by a clock that is ahead', () => {
    expect(letting([0, 1], -60)).toEqual(['a', 'b', 'c']);
  });
});
