import { expect, it } from 'vitest';
import { FakeClock } from '../lib/clock.testkit.ts';
import { makeLogger } from '../lib/logger.ts';
import type { Fence, LeaseStore } from '../store/port/leases.ts';
import { Lease } from './lease.ts';

const logger = makeLogger('fatal');

function scripted(answers: (Fence | undefined | Error)[]): LeaseStore & { released: Fence[] } {
  const released: Fence[] = [];
  return {
    released,
    tryAcquire: () => {
      const answer = answers.shift();
      return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
    },
    release: (fence) => {
      released.push(fence);
      return Promise.resolve();
    },
    list: () => Promise.resolve([]),
  };
}

function keepLease(answers: (Fence | undefined | Error)[]) {
  const clock = new FakeClock();
  const leases = scripted(answers);
  let taken = 0;
  const deps = { leases, clock, logger, holder: 'me', leaseMs: 10_000 };
  const lease = new Lease('l', deps, () => void (taken += 1));
  const stop = new AbortController();
  const kept = lease.keep(stop.signal);
  return { clock, lease, leases, stop, kept, taken: () => taken };
}

const fence = (epoch: number): Fence => ({ name: 'l', holder: 'me', epoch });

it('is held from its taking, told once, and kept by renewing every 3 s', async () => {
  const held = keepLease([fence(1), fence(1), fence(1)]);
  await held.clock.advance(6_000);
  expect(held.lease.current()).toEqual(fence(1));
  expect(held.taken()).toBe(1);
  held.stop.abort();
  await held.kept;
});

it('is not trusted longer than it can last when it cannot be renewed', async () => {
  const down = () => new Error('database down');
  const held = keepLease([fence(1), down(), down(), down(), down(), down()]);
  await held.clock.advance(9_999);
  expect(held.lease.current()).toEqual(fence(1));
  await held.clock.advance(1);
  expect(held.lease.current()).toBeUndefined();
  held.stop.abort();
  await held.kept;
});

it('is asked for every second while another has it', async () => {
  const held = keepLease([undefined, undefined, fence(7)]);
  await held.clock.advance(1_999);
  expect(held.lease.current()).toBeUndefined();
  await held.clock.advance(1);
  expect(held.lease.current()).toEqual(fence(7));
  held.stop.abort();
  await held.kept;
});

it('is handed over when released', async () => {
  const held = keepLease([fence(3)]);
  await held.clock.advance(0);
  held.stop.abort();
  await held.kept;
  await held.lease.release();
  expect(held.leases.released).toEqual([fence(3)]);
  expect(held.lease.current()).toBeUndefined();
});
