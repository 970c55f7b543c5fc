import { expect, it } from 'vitest';
import { FakeClock } from '../lib/clock.testkit.ts';
import { makeLogger } from '../lib/logger.ts';
import type { Fence, LeaseStore } from '../store/port/leases.ts';
import type { EventFeed } from './event-feed.ts';
import { type LoopContext, runLeasedLoop } from './leased-loop.ts';

const LEASE_MS = 10_000;

function start(tick: (context: LoopContext) => void) {
  const clock = new FakeClock();
  const told: string[] = [];
  let log = '';
  let epoch = 1;
  const leases: LeaseStore = {
    tryAcquire: () => {
      const fence: Fence = { name: 'l', holder: 'me', epoch };
      return Promise.resolve(epoch === 0 ? undefined : fence);
    },
    release: () => Promise.resolve(void told.push('released')),
    list: () => Promise.resolve([]),
  };
  const stop = new AbortController();
  const spec = {
    ...{ name: 'l', everyMs: 1_000, onEvent: () => 'ignore' as const },
    tick: (context: LoopContext) => {
      tick(context);
      return Promise.resolve();
    },
  };
  const feed = { listen: () => undefined } as unknown as EventFeed;
  const logger = makeLogger('error', { write: (line) => void (log += line) });
  const ended = runLeasedLoop(
    spec,
    { leases, clock, logger, holder: 'me', leaseMs: LEASE_MS, feed },
    stop.signal,
  );
  const end = async (): Promise<void> => {
    stop.abort();
    await clock.advance(0);
  };
  const lose = (): void => void (epoch = 0);
  return { clock, told, log: () => log, lose, end, ended };
}

it('a loop that stops keeps its lease until what goes on in the background has ended', async () => {
  const held = Promise.withResolvers<undefined>();
  const loop = start(({ background }) => {
    background.tryStart('slow', async () => {
      await held.promise;
      loop.told.push('stored');
    });
  });
  await loop.clock.advance(3_000);
  await loop.end();
  expect(loop.told).toEqual([]);
  held.resolve(undefined);
  await loop.ended;
  expect(loop.told).toEqual(['stored', 'released']);
});

it('what goes on in the background may go on no longer than the lease it began with', async () => {
  const may: boolean[] = [];
  const held = Promise.withResolvers<undefined>();
  const loop = start(({ background, mayGoOn }) => {
    background.tryStart('slow', async () => {
      may.push(mayGoOn());
      await held.promise;
      may.push(mayGoOn());
    });
  });
  await loop.clock.advance(1_000);
  loop.lose();
  await loop.clock.advance(LEASE_MS);
  held.resolve(undefined);
  await loop.clock.advance(0);
  expect(may).toEqual([true, false]);
  await loop.end();
  await loop.ended;
});

it('a failure in the background is told as that of a tick, not at each tick anew, and stops nothing', async () => {
  let ticks = 0;
  const loop = start(({ background }) => {
    ticks += 1;
    background.tryStart('fails', () => Promise.reject(new Error('no database')));
  });
  await loop.clock.advance(5_000);
  expect(ticks).toBeGreaterThan(4);
  expect(loop.log().match(/loop tick failed/g)).toHaveLength(1);
  await loop.end();
  await loop.ended;
});
