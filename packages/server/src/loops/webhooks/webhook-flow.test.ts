import fc from 'fast-check';
import { expect, it } from 'vitest';
import { FakeClock } from '../../lib/clock.testkit.ts';
import type { Store } from '../../store/port/store.ts';
import { WebhookFlow } from './webhook-flow.ts';

const GRACE_MS = 10_000;
const SHORT_MS = 30_000;
const LONG_MS = 120_000;
const FRESH_SHORT_MS = 3 * SHORT_MS;
const FRESH_LONG_MS = 3 * LONG_MS;

function open(isOpen = true) {
  const clock = new FakeClock();
  const stored = {
    receivedAt: null as number | null,
    missedSince: null as number | null,
    missedAt: null as number | null,
  };
  let misses = 0;
  const webhooks: Partial<Store['webhooks']> = {
    findFlow: () => Promise.resolve({ ...stored }),
    recordMiss: (_forgeId, spellMs) => {
      const now = clock.now();
      const isOver = stored.missedAt !== null && stored.missedAt <= now - spellMs;
      const hasCome = (stored.receivedAt ?? 0) > (stored.missedAt ?? 0);
      if (stored.missedAt === null || (isOver && hasCome)) stored.missedSince = now;
      stored.missedAt = now;
      misses += 1;
      return Promise.resolve();
    },
  };
  const flow = new WebhookFlow({
    ...{ forgeId: 'github', clock, isOpen, webhookGraceMs: GRACE_MS },
    store: { webhooks } as unknown as Store,
    ...{ pollIntervalMs: SHORT_MS, pollIntervalWithWebhooksMs: LONG_MS },
    ...{ trackingIntervalMs: SHORT_MS, trackingIntervalWithWebhooksMs: LONG_MS },
  });
  const receive = (): void => {
    stored.receivedAt = clock.now();
  };
  const miss = () => flow.noteFound(GRACE_MS);
  return { clock, flow, receive, miss, misses: () => misses };
}

it('without a secret never flows, whatever came before, and notes nothing', async () => {
  const { flow, receive, miss, misses } = open(false);
  receive();
  expect(await flow.isFlowing()).toBe(false);
  expect(await flow.pollIntervalMs()).toBe(SHORT_MS);
  expect(await flow.freshForMs()).toBe(FRESH_SHORT_MS);
  expect(flow.checkEveryMs(SHORT_MS)).toBe(SHORT_MS);
  await miss();
  expect(misses()).toBe(0);
});

it('flows from the first webhook on, until none has come for the long interval', async () => {
  const { clock, flow, receive } = open();
  expect(await flow.isFlowing()).toBe(false);
  receive();
  expect(await flow.isFlowing()).toBe(true);
  await clock.advance(LONG_MS - 1);
  expect(await flow.pollIntervalMs()).toBe(LONG_MS);
  expect(await flow.trackingIntervalMs()).toBe(LONG_MS);
  await clock.advance(1);
  expect(await flow.pollIntervalMs()).toBe(SHORT_MS);
  expect(await flow.trackingIntervalMs()).toBe(SHORT_MS);
});

it('looks at least once a grace whether webhooks have stopped', () => {
  const { flow } = open();
  expect(flow.checkEveryMs(SHORT_MS)).toBe(GRACE_MS);
  expect(flow.checkEveryMs(1_000)).toBe(1_000);
});

it('does not flow for the long interval after one was missed, though others come', async () => {
  const { clock, flow, receive, miss } = open();
  receive();
  await miss();
  for (let passed = 0; passed < LONG_MS; passed += 1_000) {
    expect(await flow.isFlowing()).toBe(false);
    await clock.advance(1_000);
    receive();
  }
  expect(await flow.isFlowing()).toBe(true);
});

it.each([
  [GRACE_MS - 1, 0],
  [GRACE_MS, 1],
])('takes a change found %i ms after it happened for %i misses', async (ageMs, expected) => {
  const { flow, misses } = open();
  await flow.noteFound(ageMs);
  expect(misses()).toBe(expected);
});

it('lets passes made at the long interval count until there was time for new ones', async () => {
  const { clock, flow, receive, miss } = open();
  receive();
  expect(await flow.freshForMs()).toBe(FRESH_LONG_MS);
  await miss();
  await clock.advance(FRESH_SHORT_MS - 1);
  expect(await flow.freshForMs()).toBe(FRESH_LONG_MS);
  await clock.advance(1);
  expect(await flow.freshForMs()).toBe(FRESH_SHORT_MS);
});

it('keeps to the short one once it has come to it, whatever is missed while nothing comes', async () => {
  const gaps = fc.array(fc.integer({ min: 1, max: 200 }), { maxLength: 6 });
  await fc.assert(
    fc.asyncProperty(gaps, async (gapsSeconds) => {
      const { clock, flow, receive, miss } = open();
      receive();
      let isShort = false;
      for (const seconds of [...gapsSeconds, 600]) {
        for (let passed = 0; passed < seconds; passed += 10) {
          clock.step(Math.min(10, seconds - passed) * 1_000);
          const isNow = (await flow.freshForMs()) === FRESH_SHORT_MS;
          expect(isNow || !isShort).toBe(true);
          isShort = isNow;
        }
        await miss();
      }
      expect(isShort).toBe(true);
    }),
    { examples: [[[10]], [[200, 30]], [[1, 120]]] },
  );
});
