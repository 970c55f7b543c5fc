import { expect, it } from 'vitest';
import { FakeClock } from '../lib/clock.testkit.ts';
import type { SeenUse } from '../store/port/runners.ts';
import type { Store } from '../store/port/store.ts';
import { UntoldUse } from './untold-use.ts';
import { WebhookFlow } from './webhook-flow.ts';

const GRACE_MS = 10_000;

/** A pass has just found a runner busy that was free. */
function startSeen({ isOpen = true } = {}) {
  const clock = new FakeClock();
  const came = { isExplained: false };
  const calls = { asked: 0, missed: 0 };
  const store = {
    runners: {
      isUseExplained: () => {
        calls.asked += 1;
        return Promise.resolve(came.isExplained);
      },
    },
    webhooks: {
      recordMiss: () => {
        calls.missed += 1;
        return Promise.resolve();
      },
    },
  } as unknown as Store;
  const flow = new WebhookFlow({
    ...{ forgeId: 'github', store, clock, isOpen, webhookGraceMs: GRACE_MS },
    ...{ pollIntervalMs: 60_000, pollIntervalWithWebhooksMs: 120_000 },
    ...{ trackingIntervalMs: 30_000, trackingIntervalWithWebhooksMs: 120_000 },
  });
  const untold = new UntoldUse({ store, clock, flow });
  const use: SeenUse = {
    ...{ forgeId: 'github', since: 0, until: 60_000 },
    runners: [{ forgeRunnerId: '1', name: 'runner-1', isBusy: true, toldAt: null }],
  };
  untold.add(use);
  const settleAfter = async (ms: number): Promise<void> => {
    await clock.advance(ms);
    await untold.settle();
  };
  return { came, calls, settleAfter };
}

it('takes a webhook for missed when a runner’s change is unexplained at the end of the grace, once', async () => {
  const { calls, settleAfter } = startSeen();
  await settleAfter(GRACE_MS - 1);
  expect(calls).toEqual({ asked: 0, missed: 0 });
  await settleAfter(1);
  expect(calls).toEqual({ asked: 1, missed: 1 });
  await settleAfter(GRACE_MS);
  expect(calls).toEqual({ asked: 1, missed: 1 });
});

it('waits for the webhook that a pass was faster than', async () => {
  const { came, calls, settleAfter } = startSeen();
  await settleAfter(GRACE_MS / 2);
  came.isExplained = true;
  await settleAfter(GRACE_MS / 2);
  expect(calls).toEqual({ asked: 1, missed: 0 });
});

it('asks for nothing where no webhooks can come', async () => {
  const { calls, settleAfter } = startSeen({ isOpen: false });
  await settleAfter(GRACE_MS);
  expect(calls).toEqual({ asked: 0, missed: 0 });
});
