import { expect, it } from 'vitest';
import type { Event } from '../domain/event.ts';
import { type Forge, ForgeError } from '../forge/forge.ts';
import { FakeClock } from '../lib/clock.testkit.ts';
import { makeLogger } from '../lib/logger.ts';
import { runLoop, Wake } from '../lib/loop.ts';
import type { RunnerPass, RunnerScopeRow } from '../store/port/runners.ts';
import type { Store } from '../store/port/store.ts';
import { Background } from './background.ts';
import { PollRunners } from './poll-runners.ts';
import { WebhookFlow } from './webhook-flow.ts';

const INTERVAL_MS = 60_000;

function start(scopes: string[], failing: string[] = [], mismatchOf = (_pass: number) => '') {
  const clock = new FakeClock();
  const begunAt = clock.monotonic();
  const asked: [string, number][] = [];
  const passes: RunnerPass[] = [];
  const errors: string[] = [];
  let log = '';
  const row = (scope: string): RunnerScopeRow => ({
    ...{ forgeId: 'github', scope, etags: ['e'], passSentAt: null, passAt: null, error: '' },
  });
  const forge: Partial<Forge> = {
    id: 'github',
    listRunners: (scope) => {
      asked.push([scope, clock.monotonic() - begunAt]);
      if (failing.includes(scope)) {
        return Promise.reject(new ForgeError('forbidden', { code: 'no-access', acted: 'no' }));
      }
      const [sentAt, forgeSentAt] = [clock.now(), clock.now() + 500];
      const mismatch = mismatchOf(asked.length);
      return Promise.resolve({
        ...{ sentAt, forgeSentAt, isChanged: false, isComplete: mismatch === '', mismatch },
        ...{ runners: [], etags: ['e'] },
      });
    },
  };
  const store = {
    catalog: { listGroups: () => Promise.resolve([]) },
    runners: {
      listUsedRepos: () => Promise.resolve([]),
      setScopes: () => Promise.resolve(),
      listScopes: () => Promise.resolve(scopes.map(row)),
      recordPass: (_fence: unknown, pass: RunnerPass) => {
        passes.push(pass);
        return Promise.resolve(undefined);
      },
      recordScopeError: (_fence: unknown, _forge: string, scope: string) => {
        errors.push(scope);
        return Promise.resolve();
      },
    },
  } as unknown as Store;
  const logger = makeLogger('warn', { write: (line) => void (log += line) });
  const { spec } = new PollRunners({
    ...{ forge: forge as Forge, store, clock, logger },
    pollIntervalMs: INTERVAL_MS,
    flow: new WebhookFlow({
      ...{ forgeId: 'github', store, clock, isOpen: false, webhookGraceMs: 10_000 },
      ...{ pollIntervalMs: INTERVAL_MS, pollIntervalWithWebhooksMs: INTERVAL_MS },
      ...{ trackingIntervalMs: INTERVAL_MS, trackingIntervalWithWebhooksMs: INTERVAL_MS },
    }),
  });
  const wake = new Wake();
  const stop = new AbortController();
  const background = new Background((error) => {
    throw error;
  });
  const context = {
    ...{ wake, signal: stop.signal, mayGoOn: () => true },
    background,
    fence: { name: 'l', holder: 'me', epoch: 1 },
  };
  const done = runLoop(() => spec.tick(context), {
    ...{ clock, wake, signal: stop.signal, everyMs: spec.everyMs },
    onError: (error) => {
      throw error;
    },
  });
  const tell = (kind: Event['kind']) => {
    if (spec.isWokenBy({ kind, data: {} } as Event)) wake.knock();
  };
  const end = async () => {
    stop.abort();
    await spec.drain?.();
    await done;
    await background.drain();
    expect(clock.pendingTimers).toBe(0);
  };
  return { clock, asked, passes, errors, told: () => log, tell, end };
}

it('asks for every scope at each interval, and orders passes by the forge’s clock', async () => {
  const poll = start(['org:a', 'repo:b/c']);
  await poll.clock.advance(INTERVAL_MS);
  expect(poll.asked.map(([scope]) => scope)).toEqual(['org:a', 'repo:b/c', 'org:a', 'repo:b/c']);
  expect(poll.passes[0]).toMatchObject({ runners: null, etags: ['e'], unseenMs: 3 * INTERVAL_MS });
  expect(poll.passes[0]?.sentAt).toBe(poll.clock.now() - INTERVAL_MS + 500);
  await poll.end();
});

it('looks again half an interval after the last pass when a run has ended, not sooner', async () => {
  const poll = start(['org:a']);
  await poll.clock.advance(5_000);
  poll.tell('attempt.ended');
  await poll.clock.advance(24_999);
  expect(poll.asked).toHaveLength(1);
  await poll.clock.advance(1);
  expect(poll.asked).toHaveLength(2);
  await poll.end();
});

it('keeps to its interval however often it is woken for nothing', async () => {
  const poll = start(['org:a']);
  for (let i = 0; i < 20; i += 1) {
    await poll.clock.advance(1_000);
    poll.tell('group.synced');
  }
  expect(poll.asked).toHaveLength(1);
  await poll.end();
});

it('goes on with the other scopes when one fails, and remembers why (invariant 8)', async () => {
  const poll = start(['org:a', 'org:b'], ['org:a']);
  await poll.clock.advance(0);
  expect(poll.errors).toEqual(['org:a']);
  expect(poll.passes.map(({ scope }) => scope)).toEqual(['org:b']);
  await poll.end();
});

it('tells of a list that never adds up once, with the reason, and again only after it has added up', async () => {
  const isWrong = (pass: number): boolean => pass !== 6;
  const poll = start(['org:a'], [], (pass) =>
    isWrong(pass) ? `the forge counts 734 and shows ${String(730 + (pass % 4))}` : '',
  );
  const tellings = () => poll.told().match(/never adds up/g)?.length ?? 0;
  await poll.clock.advance(INTERVAL_MS);
  expect([poll.asked.length, tellings()]).toEqual([2, 0]);
  await poll.clock.advance(3 * INTERVAL_MS);
  expect([poll.asked.length, tellings()]).toEqual([5, 1]);
  expect(poll.told()).toContain('the forge counts 734 and shows 733');
  await poll.clock.advance(4 * INTERVAL_MS);
  expect([poll.asked.length, tellings()]).toEqual([9, 2]);
  await poll.end();
});
