import { expect, it } from 'vitest';
import type { Event } from '../../domain/event.ts';
import { makeLogger } from '../../lib/logger.ts';
import { Wake } from '../../lib/loop.ts';
import { type Store, StoreError } from '../../store/port/store.ts';
import type { OpenDelivery } from '../../store/port/webhooks.ts';
import { Background } from '../background.ts';
import { takeWebhooks } from './take-webhooks.ts';

const POISONED = 'poisoned';

/** An inbox that applies all or none of what it is given, and never one that is poisoned. */
function inboxOf(ids: readonly string[]) {
  let open: OpenDelivery[] = ids.map((id) => ({
    ...{ forgeId: 'github', id, event: 'workflow_job', runId: '1', observation: '{}', tries: 0 },
  }));
  const applied: string[] = [];
  const givenUp: string[] = [];
  const batches: number[] = [];
  const state = { fault: undefined as StoreError | undefined, mayGoOn: true };
  const close = ({ id }: OpenDelivery): void => {
    open = open.filter((one) => one.id !== id);
  };
  const webhooks: Partial<Store['webhooks']> = {
    listOpen: (_forgeId, limit) => Promise.resolve(open.slice(0, limit)),
    take: (_fence, deliveries) => {
      batches.push(deliveries.length);
      if (deliveries.some(({ id }) => id.startsWith(POISONED))) {
        return Promise.reject(new TypeError('cannot be applied'));
      }
      if (state.fault !== undefined) return Promise.reject(state.fault);
      for (const delivery of deliveries) {
        applied.push(delivery.id);
        close(delivery);
      }
      return Promise.resolve();
    },
    recordFailure: (_fence, delivery, { mostTries }) => {
      const tries = delivery.tries + 1;
      open = open.map((one) => (one.id === delivery.id ? { ...one, tries } : one));
      if (tries < mostTries) return Promise.resolve(false);
      givenUp.push(delivery.id);
      close(delivery);
      return Promise.resolve(true);
    },
  };
  const spec = takeWebhooks({
    ...{ forge: { id: 'github' }, store: { webhooks } as unknown as Store },
    ...{ logger: makeLogger('silent'), lateRunMs: 1 },
  });
  const tick = () =>
    spec.tick({
      ...{ fence: { name: spec.name, holder: 'me', epoch: 1 }, wake: new Wake() },
      ...{ mayGoOn: () => state.mayGoOn, signal: new AbortController().signal },
      background: new Background(() => undefined),
    });
  return { spec, tick, state, applied, givenUp, batches, left: () => open };
}

const named = (count: number): string[] => Array.from({ length: count }, (_, n) => `d${n}`);

it('applies everything in its order, a batch at a time', async () => {
  const inbox = inboxOf(named(120));
  await inbox.tick();
  expect(inbox.applied).toEqual(named(120));
  expect(inbox.batches).toEqual([50, 50, 20]);
});

it('applies all others when one is poisoned, which is tried again and then given up', async () => {
  const inbox = inboxOf(['a', POISONED, 'b']);
  await inbox.tick();
  expect(inbox.applied).toEqual(['a', 'b']);
  for (let tries = 1; tries < 5; tries += 1) {
    expect(inbox.left()).toMatchObject([{ id: POISONED, tries }]);
    expect(inbox.givenUp).toEqual([]);
    await inbox.tick();
  }
  expect(inbox.givenUp).toEqual([POISONED]);
  expect(inbox.left()).toEqual([]);
});

it('gets past a batch in which all are poisoned', async () => {
  const inbox = inboxOf([...named(50).map((id) => `${POISONED} ${id}`), 'good']);
  for (let ticks = 0; ticks < 6; ticks += 1) await inbox.tick();
  expect(inbox.givenUp).toHaveLength(50);
  expect(inbox.applied).toEqual(['good']);
});

it.each(['unavailable', 'outcome-unknown'] as const)(
  'leaves everything for the next tick when the store is %s, and blames no delivery',
  async (code) => {
    const inbox = inboxOf(['a', 'b']);
    inbox.state.fault = new StoreError(code, 'database down');
    await expect(inbox.tick()).rejects.toThrow('database down');
    expect(inbox.batches).toEqual([2]);
    expect(inbox.left()).toMatchObject([{ tries: 0 }, { tries: 0 }]);
    inbox.state.fault = undefined;
    await inbox.tick();
    expect(inbox.applied).toEqual(['a', 'b']);
  },
);

it('blames no good delivery when the store fails while each is tried on its own', async () => {
  const inbox = inboxOf(['a', POISONED]);
  inbox.state.fault = new StoreError('unavailable', 'database down');
  await expect(inbox.tick()).rejects.toThrow('database down');
  expect(inbox.left()).toMatchObject([{ tries: 0 }, { tries: 0 }]);
});

it('starts nothing once its lease may have run out', async () => {
  const inbox = inboxOf(['a']);
  inbox.state.mayGoOn = false;
  await inbox.tick();
  expect(inbox.batches).toEqual([]);
});

it.each([
  ['webhook.received', true],
  ['attempt.accepted', true],
  ['attempt.found', true],
  ['attempt.run-late', true],
  ['attempt.ended', false],
  ['runner.changed', false],
] as const)('is woken by %s: %s', (kind, isWoken) => {
  expect(inboxOf([]).spec.onEvent({ kind } as Event) === 'wake').toBe(isWoken);
});
