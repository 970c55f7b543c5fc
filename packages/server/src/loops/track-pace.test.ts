import { expect, it } from 'vitest';
import type { Event } from '../domain/event.ts';
import { FakeClock } from '../lib/clock.testkit.ts';
import type { Store } from '../store/store.ts';
import { TrackPace } from './track-pace.ts';
import { WebhookFlow } from './webhook-flow.ts';

const GRACE_MS = 10_000;
const ABSENT_EVERY_MS = 60_000;
const LONG_MS = 3_600_000;

/** Webhooks flow, and everything was looked at just now. */
async function paceAfterALook() {
  const clock = new FakeClock();
  const webhooks: Partial<Store['webhooks']> = {
    findFlow: () => Promise.resolve({ receivedAt: clock.now(), missedSince: null, missedAt: null }),
  };
  const flow = new WebhookFlow({
    ...{ forgeId: 'github', clock, isOpen: true, graceMs: GRACE_MS },
    store: { webhooks } as unknown as Store,
    ...{ pollIntervalMs: 30_000, pollIntervalWithWebhooksMs: LONG_MS },
    ...{ trackingIntervalMs: 30_000, trackingIntervalWithWebhooksMs: LONG_MS },
  });
  const pace = new TrackPace({
    ...{ flow, clock, trackingIntervalMs: 30_000, absentEveryMs: ABSENT_EVERY_MS },
  });
  await pace.next();
  const tell = (): boolean => pace.isWokenBy({ kind: 'webhook.run-unmatched', data: {} } as Event);
  return { clock, pace, tell };
}

it('looks at once for the run that a webhook told of, for given up attempts too', async () => {
  const { pace, tell } = await paceAfterALook();
  expect(tell()).toBe(true);
  expect(await pace.next()).toEqual({ isAll: false, isRunTold: true, isAbsentDue: true });
  expect(await pace.next()).toEqual({ isAll: false, isRunTold: false, isAbsentDue: false });
});

it('looks no more than once a grace, and for given up attempts once a minute, however much is told', async () => {
  const { clock, pace, tell } = await paceAfterALook();
  const looks = { live: 0, absent: 0 };
  for (let second = 0; second < 120; second += 1) {
    tell();
    const { isRunTold, isAbsentDue } = await pace.next();
    if (isRunTold) looks.live += 1;
    if (isAbsentDue) looks.absent += 1;
    await clock.advance(1_000);
  }
  expect(looks).toEqual({ live: 12, absent: 2 });
});

it('looks once more at the end of the grace for what was told meanwhile', async () => {
  const { clock, pace, tell } = await paceAfterALook();
  tell();
  await pace.next();
  tell();
  expect((await pace.next()).isRunTold).toBe(false);
  await clock.advance(GRACE_MS);
  expect((await pace.next()).isRunTold).toBe(true);
  await clock.advance(GRACE_MS);
  expect((await pace.next()).isRunTold).toBe(false);
});
