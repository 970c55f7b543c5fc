import { expect, it } from 'vitest';
import type { Event } from '../../domain/event.ts';
import { FakeClock } from '../../lib/clock.testkit.ts';
import type { Store } from '../../store/port/store.ts';
import { WebhookFlow } from '../webhooks/webhook-flow.ts';
import { TrackPace } from './track-pace.ts';

const GRACE_MS = 10_000;
const RECHECK_AFTER_MS = 60_000;
const LONG_MS = 3_600_000;

/** Webhooks flow, unless told otherwise, and everything was looked at just now. */
async function paceAfterAPoll({ isOpen = true, isFlowing = true } = {}) {
  const clock = new FakeClock();
  const webhooks: Partial<Store['webhooks']> = {
    findFlow: () => {
      const receivedAt = isFlowing ? clock.now() : null;
      return Promise.resolve({ receivedAt, missedSince: null, missedAt: null });
    },
  };
  const flow = new WebhookFlow({
    ...{ forgeId: 'github', clock, isOpen, webhookGraceMs: GRACE_MS },
    store: { webhooks } as unknown as Store,
    ...{ pollIntervalMs: 30_000, pollIntervalWithWebhooksMs: LONG_MS },
    ...{ trackingIntervalMs: 30_000, trackingIntervalWithWebhooksMs: LONG_MS },
  });
  const pace = new TrackPace({
    ...{ flow, clock, trackingIntervalMs: 30_000, recheckAfterMs: RECHECK_AFTER_MS },
  });
  await pace.next();
  const tell = (): boolean =>
    pace.onEvent({ kind: 'webhook.run-unmatched', data: {} } as Event) === 'wake';
  const move = (data: Event['data']): boolean =>
    pace.onEvent({ kind: 'runner.changed', data } as Event) === 'wake';
  /** Seconds of the next `seconds`, at each of which the loop ticks, at which everything is looked at. */
  const pollsWithin = async (seconds: number): Promise<number[]> => {
    const polls: number[] = [];
    for (let second = 1; second <= seconds; second += 1) {
      await clock.advance(1_000);
      if ((await pace.next()).isAll) polls.push(second);
    }
    return polls;
  };
  return { clock, pace, tell, move, pollsWithin };
}

it('looks at once for the run that a webhook told of, for given up attempts too', async () => {
  const { pace, tell } = await paceAfterAPoll();
  expect(tell()).toBe(true);
  expect(await pace.next()).toMatchObject({
    isAll: false,
    isRunDelivered: true,
    isWatchedDue: true,
  });
  expect(await pace.next()).toMatchObject({
    isAll: false,
    isRunDelivered: false,
    isWatchedDue: false,
  });
});

it('looks no more than once a grace, and for given up attempts once a minute, however much is told', async () => {
  const { clock, pace, tell } = await paceAfterAPoll();
  const polls = { live: 0, watched: 0 };
  for (let second = 0; second < 120; second += 1) {
    tell();
    const { isRunDelivered, isWatchedDue } = await pace.next();
    if (isRunDelivered) polls.live += 1;
    if (isWatchedDue) polls.watched += 1;
    await clock.advance(1_000);
  }
  expect(polls).toEqual({ live: 12, watched: 2 });
});

it('looks once more at the end of the grace for what was told meanwhile', async () => {
  const { clock, pace, tell } = await paceAfterAPoll();
  tell();
  await pace.next();
  tell();
  expect((await pace.next()).isRunDelivered).toBe(false);
  await clock.advance(GRACE_MS);
  expect((await pace.next()).isRunDelivered).toBe(true);
  await clock.advance(GRACE_MS);
  expect((await pace.next()).isRunDelivered).toBe(false);
});

// A loop that ticks every grace may come to its look half a grace early, so that none waits for one tick more.
it.each([
  ['flow', true, 3_600, [3_595]],
  ['have stopped', false, 60, [25, 50]],
])('looks at everything at its interval while webhooks %s', async (_how, isFlowing, within, at) => {
  const { pollsWithin } = await paceAfterAPoll({ isFlowing });
  expect(await pollsWithin(within)).toEqual(at);
});

it('looks at everything at each tick when no webhooks may come', async () => {
  const { pollsWithin } = await paceAfterAPoll({ isOpen: false });
  expect(await pollsWithin(3)).toEqual([1, 2, 3]);
});

it.each([
  [false, true],
  [true, false],
])(
  'looks when a listing shows a runner taken or freed, while webhooks flow (%s): %s',
  async (isFlowing, isAll) => {
    const { pace, move } = await paceAfterAPoll({ isFlowing });
    expect(move({ isUseChanged: true, runId: null })).toBe(true);
    expect((await pace.next()).isAll).toBe(isAll);
    expect((await pace.next()).isAll).toBe(false);
  },
);

it('is not woken by a runner that only looks otherwise', async () => {
  const { move } = await paceAfterAPoll({ isFlowing: false });
  expect(move({ isUseChanged: false, runId: null })).toBe(false);
});

it('is not woken by a runner that only shows what a workflow job told', async () => {
  const { move } = await paceAfterAPoll({ isFlowing: false });
  expect(move({ isUseChanged: true, runId: '1' })).toBe(false);
});

it('looks for given up attempts no more than once a minute', async () => {
  const { clock, pace } = await paceAfterAPoll({ isOpen: false });
  await clock.advance(RECHECK_AFTER_MS - 1);
  expect((await pace.next()).isWatchedDue).toBe(false);
  await clock.advance(1);
  expect((await pace.next()).isWatchedDue).toBe(true);
  expect((await pace.next()).isWatchedDue).toBe(false);
});

it('looks once at each attempt whose run was started again', async () => {
  const { pace } = await paceAfterAPoll();
  const again = { kind: 'webhook.run-again', data: { attemptId: 'a' } } as unknown as Event;
  expect(pace.onEvent(again)).toBe('wake');
  expect(await pace.next()).toMatchObject({ isAll: false, restarted: new Set(['a']) });
  expect(await pace.next()).toMatchObject({ isAll: false, restarted: new Set() });
});
