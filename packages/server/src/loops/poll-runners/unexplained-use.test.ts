import { expect, it } from 'vitest';
import { FakeClock } from '../../lib/clock.testkit.ts';
import type { ObservedUse } from '../../store/port/runners.ts';
import type { Store } from '../../store/port/store.ts';
import { WebhookFlow } from '../webhooks/webhook-flow.ts';
import { UnexplainedUse } from './unexplained-use.ts';

const GRACE_MS = 10_000;

/** A pass has just found a runner busy that was free, or a run has just ended. */
function startSeen({ isOpen = true, isEnd = false } = {}) {
  const clock = new FakeClock();
  const came = { isExplained: false };
  const calls = { asked: 0, missed: 0 };
  const store = {
    runners: {
      isUseExplained: () => {
        calls.asked += 1;
        return Promise.resolve(came.isExplained);
      },
      areBusyWithEnded: (ids: readonly string[]) => {
        calls.asked += 1;
        return Promise.resolve(!came.isExplained && ids.includes('attempt-1'));
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
  const unexplained = new UnexplainedUse({ store, clock, flow });
  const use: ObservedUse = {
    ...{ forgeId: 'github', since: 0, until: 60_000 },
    runners: [{ forgeRunnerId: '1', name: 'runner-1', isBusy: true, deliveredAt: null }],
  };
  if (isEnd) unexplained.addEnd('attempt-1');
  else unexplained.add(use);
  const settleAfter = async (ms: number): Promise<void> => {
    await clock.advance(ms);
    await unexplained.settle();
  };
  return { came, calls, settleAfter };
}

it.each([
  { isEnd: false, what: 'a runner’s change is unexplained' },
  { isEnd: true, what: 'a run has ended and its runner is shown busy with it' },
])('takes a webhook for missed when $what at the end of the grace, once', async ({ isEnd }) => {
  const { calls, settleAfter } = startSeen({ isEnd });
  await settleAfter(GRACE_MS - 1);
  expect(calls).toEqual({ asked: 0, missed: 0 });
  await settleAfter(1);
  expect(calls).toEqual({ asked: 1, missed: 1 });
  await settleAfter(GRACE_MS);
  expect(calls).toEqual({ asked: 1, missed: 1 });
});

it.each([
  { isEnd: false, what: 'a pass' },
  { isEnd: true, what: 'the end of the run' },
])('waits for the webhook that $what was faster than', async ({ isEnd }) => {
  const { came, calls, settleAfter } = startSeen({ isEnd });
  await settleAfter(GRACE_MS / 2);
  came.isExplained = true;
  await settleAfter(GRACE_MS / 2);
  expect(calls).toEqual({ asked: 1, missed: 0 });
});

it.each([false, true])('asks for nothing where no webhooks can come (end: %s)', async (isEnd) => {
  const { calls, settleAfter } = startSeen({ isOpen: false, isEnd });
  await settleAfter(GRACE_MS);
  expect(calls).toEqual({ asked: 0, missed: 0 });
});
