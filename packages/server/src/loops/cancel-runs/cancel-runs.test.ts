import { describe, expect, it } from 'vitest';
import { attempt, run } from '../../domain/attempt.testkit.ts';
import type { Attempt } from '../../domain/attempt.ts';
import { type Forge, ForgeError } from '../../forge/forge.ts';
import { FakeClock } from '../../lib/clock.testkit.ts';
import { makeLogger } from '../../lib/logger.ts';
import { Wake } from '../../lib/loop.ts';
import type { RunStore } from '../../store/port/runs.ts';
import type { Store } from '../../store/port/store.ts';
import { Background } from '../background.ts';
import { WebhookFlow } from '../webhooks/webhook-flow.ts';
import { cancelRuns } from './cancel-runs.ts';

const RETRY_MS = 30_000;
/** How long a limit stops the credential. */
const STOP_MS = 60_000;

/** Wanted cancels of running runs in one repository (and of one called so in `other`), and a forge that takes those that it may. */
function start(ids: readonly string[]) {
  const clock = new FakeClock();
  const forge = {
    ...{ mayRead: true, mayCancel: true },
    /** Requests that are answered with a limit, and those that a limit of ours holds back. */
    limits: new Set<string>(),
    ownLimits: new Set<string>(),
  };
  const attempts = ids.map((id) =>
    attempt(id, {
      ...{ state: 'accepted', runId: id, matchedBy: 'reply', runStatus: 'in_progress' },
      repo: id === 'other' ? 'other' : 'app',
    }),
  );
  let wanted: readonly Attempt[] = attempts;
  const read: string[] = [];
  const asked: string[] = [];
  const allow = (may: boolean): Promise<undefined> =>
    may
      ? Promise.resolve(undefined)
      : Promise.reject(new ForgeError('forbidden', { code: 'no-access', acted: 'no' }));
  const limit = (name: string): void => {
    const facts = { code: 'rate-limited', acted: 'no', retryAt: clock.now() + STOP_MS } as const;
    if (forge.limits.has(name)) throw new ForgeError('limited', { ...facts, status: 429 });
    if (forge.ownLimits.has(name)) throw new ForgeError('not sent', facts);
  };
  const port: Partial<Forge> = {
    id: 'github',
    getRun: async (_owner, _repo, id) => {
      read.push(id);
      limit(`run ${id}`);
      await allow(forge.mayRead);
      return { run: run(id, { status: 'in_progress' }), sentAt: 0, forgeSentAt: 0 };
    },
    cancelRun: async (_owner, _repo, id) => {
      asked.push(id);
      limit(`cancel ${id}`);
      await allow(forge.mayCancel);
    },
  };
  const runs: Partial<RunStore> = {
    listWantedCancels: () =>
      Promise.resolve(wanted.map((one) => ({ attempt: one, how: 'cancel' as const }))),
    recordCancelSent: (id) => {
      wanted = wanted.filter((one) => one.id !== id);
      return Promise.resolve();
    },
  };
  const store = { runs } as Store;
  const spec = cancelRuns({
    ...{ forge: port as Forge, store, clock, logger: makeLogger('silent') },
    flow: new WebhookFlow({
      ...{ forgeId: 'github', store, clock, isOpen: false, webhookGraceMs: 10_000 },
      ...{ pollIntervalMs: RETRY_MS, pollIntervalWithWebhooksMs: RETRY_MS },
      ...{ trackingIntervalMs: RETRY_MS, trackingIntervalWithWebhooksMs: RETRY_MS },
    }),
    stamps: {
      offset: () =>
        Promise.resolve({
          offsetMs: 0,
          uncertaintyMs: 0,
          areStampsAhead: false,
          areStampsKnown: true,
        }),
    },
    ...{ cancelRetryMs: RETRY_MS, forceCancelMs: 300_000, unreadableRunMs: 3_600_000 },
    ...{ requestTimeoutMs: 30_000, runLookupTimeoutMs: 300_000, recheckAfterMs: 60_000 },
    ...{ pickupExpectedMs: 10_000, queuedRecheckMs: 60_000 },
  });
  const context = {
    ...{ fence: { name: spec.name, holder: 'me', epoch: 1 }, wake: new Wake() },
    ...{ mayGoOn: () => true, signal: new AbortController().signal },
    background: new Background((error) => {
      throw error;
    }),
  };
  /** @returns for each of so many ticks whose cancel was asked for, a retry's time after the one before */
  const ticks = async (count: number): Promise<string[][]> => {
    const seen: string[][] = [];
    for (let n = 0; n < count; n += 1) {
      asked.length = 0;
      await spec.tick(context);
      seen.push([...asked]);
      await clock.advance(RETRY_MS);
    }
    return seen;
  };
  return { ticks, forge, read, left: () => wanted.map(({ id }) => id) };
}

describe('cancels in a repository whose runs may be read, but not cancelled', () => {
  it('are asked for one at a time, ever more rarely: a read that succeeds says nothing of the next cancel', async () => {
    const { ticks, forge } = start(['1', '2', '3', '4']);
    forge.mayCancel = false;
    expect(await ticks(8)).toEqual([
      ...[['1', '2', '3', '4'], ['1'], [], ['2']],
      ...[[], [], [], ['3']],
    ]);
  });

  it('cost no reads either while they pause', async () => {
    const { ticks, forge, read } = start(['1', '2', '3', '4']);
    forge.mayCancel = false;
    await ticks(8);
    expect(read).toEqual(['1', '2', '3', '4', '1', '2', '3']);
  });

  it('are all carried out soon after the first that is taken', async () => {
    const { ticks, forge, left } = start(['1', '2', '3', '4']);
    forge.mayCancel = false;
    await ticks(1);
    forge.mayCancel = true;
    expect(await ticks(2)).toEqual([['1'], ['2', '3', '4']]);
    expect(left()).toEqual([]);
  });
});

it('cancels in a repository that is closed are asked for one at a time, ever more rarely, until it is open', async () => {
  const { ticks, forge, read, left } = start(['1', '2', '3', '4']);
  forge.mayRead = false;
  expect((await ticks(4)).flat()).toEqual([]);
  expect(read).toEqual(['1', '2', '3', '4', '1', '2']);
  forge.mayRead = true;
  expect(await ticks(5)).toEqual([[], [], [], ['3'], ['4', '1', '2']]);
  expect(left()).toEqual([]);
});

describe('cancels that meet a limit each time, whereupon the credential is stopped,', () => {
  /** Whose cancel is asked for at which tick. */
  const timesOf = (ticks: readonly string[][], id: string): number[] =>
    ticks.flatMap((asked, n) => (asked.includes(id) ? [n] : []));

  it('are asked for ever more rarely, but stay wanted, and keep those of no other repository waiting', async () => {
    const { ticks, forge, left } = start(['1', 'other']);
    forge.limits.add('cancel 1');
    const seen = await ticks(40);
    // After the stop 2, 4 and 8 minutes.
    expect(timesOf(seen, '1')).toEqual([0, 6, 16, 34]);
    expect(timesOf(seen, 'other')).toEqual([0]);
    expect(left()).toEqual(['1']);
    forge.limits.clear();
    await ticks(26);
    expect(left()).toEqual(['1']);
    await ticks(1);
    expect(left()).toEqual([]);
  });

  it('leave those of their repository their turn before they are asked for again', async () => {
    const { ticks, forge, left } = start(['1', '2', '3']);
    forge.limits.add('cancel 1');
    const seen = await ticks(7);
    expect(seen).toEqual([['1'], [], [], [], ['2', '3'], [], ['1']]);
    expect(left()).toEqual(['1']);
  });

  it('are asked for ever more rarely where it is the read before the cancel that meets it', async () => {
    const { ticks, forge, read, left } = start(['1']);
    forge.limits.add('run 1');
    await ticks(17);
    expect(read).toHaveLength(3);
    expect(left()).toEqual(['1']);
  });

  it('are asked for at each tick where it is a limit of ours', async () => {
    const { ticks, forge } = start(['1']);
    forge.ownLimits.add('cancel 1');
    expect(await ticks(3)).toEqual([['1'], ['1'], ['1']]);
  });
});

it('a limit of ours does not make a closed repository seem open', async () => {
  const { ticks, forge, read } = start(['1', '2', '3', '4']);
  forge.mayRead = false;
  await ticks(1);
  for (const id of ['1', '2', '3', '4']) forge.ownLimits.add(`run ${id}`);
  read.length = 0;
  await ticks(3);
  expect(read).toEqual(['1', '2', '3']);
});
