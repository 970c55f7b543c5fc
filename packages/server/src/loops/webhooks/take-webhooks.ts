import type { Event } from '../../domain/event.ts';
import type { Forge } from '../../forge/forge.ts';
import type { Logger } from '../../lib/logger.ts';
import { type Store, StoreError } from '../../store/port/store.ts';
import type { OpenDelivery } from '../../store/port/webhooks.ts';
import type { LoopContext, LoopSpec } from '../leased-loop.ts';

/** The safety net: each delivery wakes the loop. */
const CHECK_EVERY_MS = 5_000;
/** Few enough that an enqueue never waits long behind them. */
const BATCH = 50;
/** One that cannot be applied is our fault: tried again in case it was only a moment's. */
const MOST_TRIES = 5;

export interface TakeWebhooksDeps {
  readonly forge: Pick<Forge, 'id'>;
  readonly store: Pick<Store, 'webhooks'>;
  readonly logger: Logger;
  /** An attempt that was given up is watched this long for a run that turns up after all. */
  readonly lateRunMs: number;
}

const WAKING = new Set<Event['kind']>([
  'webhook.received',
  // These give an attempt its run: deliveries that told of it before are its now.
  'attempt.accepted',
  'attempt.found',
  'attempt.run-late',
]);

/** Applies what webhooks reported, in the order in which it came. */
export function takeWebhooks(deps: TakeWebhooksDeps): LoopSpec {
  return {
    name: `take-webhooks:${deps.forge.id}`,
    everyMs: CHECK_EVERY_MS,
    onEvent: ({ kind }) => (WAKING.has(kind) ? 'wake' : 'ignore'),
    tick: (context) => tick(deps, context),
  };
}

async function tick(deps: TakeWebhooksDeps, context: LoopContext): Promise<void> {
  const { webhooks } = deps.store;
  for (;;) {
    const open = await webhooks.listOpen(deps.forge.id, BATCH);
    if (open.length === 0 || !context.mayGoOn()) return;
    const isAllTaken = await take(deps, context, open);
    if (!isAllTaken || open.length < BATCH) return;
  }
}

/** Together, or else each on its own: one that cannot be applied stops no other. */
async function take(
  deps: TakeWebhooksDeps,
  context: LoopContext,
  open: readonly OpenDelivery[],
): Promise<boolean> {
  const { webhooks } = deps.store;
  try {
    await webhooks.take(context.fence, open, deps.lateRunMs);
    return true;
  } catch (error) {
    // The database's fault, not theirs.
    if (error instanceof StoreError) throw error;
  }
  let isAllTaken = true;
  for (const delivery of open) {
    if (!(await takeOne(deps, context, delivery))) isAllTaken = false;
  }
  return isAllTaken;
}

async function takeOne(
  { store, logger, lateRunMs }: TakeWebhooksDeps,
  { fence }: LoopContext,
  delivery: OpenDelivery,
): Promise<boolean> {
  try {
    await store.webhooks.take(fence, [delivery], lateRunMs);
    return true;
  } catch (error) {
    if (error instanceof StoreError) throw error;
    const message = error instanceof Error ? error.message : String(error);
    const failure = { message, mostTries: MOST_TRIES };
    const isGivenUp = await store.webhooks.recordFailure(fence, delivery, failure);
    const { id: deliveryId, event, tries } = delivery;
    const facts = { err: error, deliveryId, event, tries: tries + 1 };
    logger.error(facts, isGivenUp ? 'webhook given up' : 'webhook not applied');
    return false;
  }
}
