import { describe, expect, it } from 'vitest';
import { attempt, CLAIMED_AT } from '../../domain/attempt.testkit.ts';
import type { Attempt } from '../../domain/attempt.ts';
import { FakeClock } from '../../lib/clock.testkit.ts';
import { StaleRuns } from './stale-runs.ts';

const GRACE_MS = 10_000;
const EVERY_MS = 30_000;
const NONE: ReadonlySet<string> = new Set();

function start() {
  const clock = new FakeClock(CLAIMED_AT);
  const stale = new StaleRuns({
    clock,
    webhookGraceMs: GRACE_MS,
    trackingIntervalMs: EVERY_MS,
  });
  const choose = (live: Attempt[], between = NONE, isSeekingDue = false): string[] =>
    stale.choose(live, between, clock.now(), isSeekingDue).map(({ id }) => id);
  return { clock, stale, choose };
}

/** Its run was last observed at its claim. */
const seenAs = (runStatus: string, over: Partial<Attempt> = {}): Attempt =>
  attempt('a', {
    ...{ state: 'accepted', runId: '1', runStatus, runObservedAt: CLAIMED_AT },
    ...over,
  });

describe('a run', () => {
  it.each([
    ['queued', GRACE_MS, []],
    ['queued', GRACE_MS + 1, ['a']],
    ['requested', GRACE_MS + 1, ['a']],
    ['waiting', 3_600_000, []],
    ['pending', 3_600_000, []],
    ['in_progress', 3_600_000, []],
  ])('that is %s, told %i ms ago, is asked for: %j', async (status, ageMs, expected) => {
    const { clock, choose } = start();
    await clock.advance(ageMs);
    expect(choose([seenAs(status)])).toEqual(expected);
  });

  it('that nobody has told of yet is asked for a grace after its dispatch', async () => {
    const { clock, choose } = start();
    const unseen = seenAs('queued', { runStatus: null, runObservedAt: null });
    await clock.advance(GRACE_MS);
    expect(choose([unseen])).toEqual([]);
    await clock.advance(1);
    expect(choose([unseen])).toEqual(['a']);
  });

  it('is asked for no more often than at the interval', async () => {
    const { clock, stale, choose } = start();
    await clock.advance(GRACE_MS + 1);
    expect(choose([seenAs('queued')])).toEqual(['a']);
    await clock.advance(EVERY_MS - 1);
    expect(choose([seenAs('queued')])).toEqual([]);
    await clock.advance(1);
    stale.notePolled([seenAs('queued')]);
    expect(choose([seenAs('queued')])).toEqual([]);
    await clock.advance(EVERY_MS);
    expect(choose([seenAs('queued')])).toEqual(['a']);
  });

  it('that has left its runner is asked for when that lasts a grace, each time anew', async () => {
    const { clock, choose } = start();
    const between = new Set(['a']);
    expect(choose([seenAs('in_progress')], between)).toEqual([]);
    await clock.advance(GRACE_MS - 1);
    expect(choose([seenAs('in_progress')], between)).toEqual([]);
    expect(choose([seenAs('in_progress')], NONE)).toEqual([]);
    await clock.advance(1);
    expect(choose([seenAs('in_progress')], between)).toEqual([]);
    await clock.advance(GRACE_MS);
    expect(choose([seenAs('in_progress')], between)).toEqual(['a']);
  });

  it('that ends and is forgotten leaves nothing behind', async () => {
    const { clock, choose } = start();
    await clock.advance(GRACE_MS + 1);
    expect(choose([seenAs('queued')])).toEqual(['a']);
    expect(choose([])).toEqual([]);
    expect(choose([seenAs('queued')])).toEqual(['a']);
  });
});

describe('an attempt without a run', () => {
  const lost = attempt('lost', { state: 'unknown' });
  const sending = attempt('sending', { state: 'claimed' });

  it('is looked for at once, then at the interval, or when a webhook may have told of it', async () => {
    const { clock, choose } = start();
    expect(choose([lost])).toEqual(['lost']);
    await clock.advance(1_000);
    expect(choose([lost])).toEqual([]);
    expect(choose([lost], NONE, true)).toEqual(['lost']);
    await clock.advance(EVERY_MS);
    expect(choose([lost])).toEqual(['lost']);
  });

  it('is no reason to look while it is being sent, but weighed when another is looked for', () => {
    const { choose } = start();
    expect(choose([sending], NONE, true)).toEqual([]);
    expect(choose([sending, lost])).toEqual(['sending', 'lost']);
  });
});
