import { describe, expect, it } from 'vitest';
import type { Event } from '../domain/event.ts';
import { FakeClock } from '../lib/clock.testkit.ts';
import { makeLogger } from '../lib/logger.ts';
import { Wake } from '../lib/loop.ts';
import { Background } from './background.ts';
import { retainHistory } from './retention.ts';

const DAY_MS = 86_400_000;

/** A loop on a store that only writes down until when each sweep was to delete. */
function start() {
  const clock = new FakeClock();
  const forge: { at: number | null } = { at: clock.now() };
  const swept: Record<string, number> = {};
  const lines: string[] = [];
  const note = (what: string, before: number): Promise<number> => {
    swept[what] = before;
    return Promise.resolve(0);
  };
  const spec = retainHistory({
    retention: {
      deleteEndedJobs: (before) => note('jobs', before),
      deleteAttempts: (before) => note('attempts', before),
      deleteEvents: (feedBefore, auditBefore) =>
        note('feed', feedBefore).then(() => note('audit', auditBefore)),
      deleteExpired: (now) => note('expired', now),
      deleteStaleRunners: (before) => note('runners', before),
    },
    forges: [{ now: () => null }, { now: () => forge.at }],
    clock,
    logger: makeLogger('warn', { write: (line) => lines.push(line) }),
    cleanupIntervalMs: 1_000,
    retentionDays: 30,
  });
  const { signal } = new AbortController();
  const tick = () =>
    spec.tick({
      fence: { name: 'retention', holder: '', epoch: 1 },
      mayGoOn: () => true,
      signal,
      wake: new Wake(),
      background: new Background(() => undefined),
    });
  return { spec, tick, swept, forge, clock, lines };
}

describe('retention', () => {
  it('deletes what is old by both clocks', async () => {
    const { tick, swept, clock } = start();
    await tick();
    const now = clock.now();
    expect(swept).toEqual({
      jobs: now - 30 * DAY_MS,
      attempts: now - 7 * DAY_MS,
      feed: now - 7 * DAY_MS,
      audit: now - 365 * DAY_MS,
      expired: now,
      runners: now - DAY_MS,
    });
  });

  it('does not believe a step of our clock forward, and tells of it', async () => {
    const { tick, swept, forge, clock, lines } = start();
    clock.step(400 * DAY_MS);
    await tick();
    expect(Math.max(...Object.values(swept))).toBe(forge.at);
    expect(lines.join('')).toContain('ahead of the forge');
  });

  it('believes it when the forge’s clock agrees', async () => {
    const { tick, swept, forge, clock, lines } = start();
    clock.step(400 * DAY_MS);
    forge.at = clock.now();
    await tick();
    expect(swept['expired']).toBe(clock.now());
    expect(lines).toEqual([]);
  });

  it('does not believe a forge that is ahead', async () => {
    const { tick, swept, forge, clock } = start();
    forge.at = clock.now() + 400 * DAY_MS;
    await tick();
    expect(swept['expired']).toBe(clock.now());
  });

  it('deletes nothing before the forge has told its time, and is woken when it has', async () => {
    const { spec, tick, swept, forge, clock } = start();
    forge.at = null;
    await tick();
    expect(swept).toEqual({});
    const connected: Event = {
      ...{ seq: 1, subjectType: 'credential', subjectId: 'c', groupId: null, forgeId: 'github' },
      ...{ actor: '', isAudit: false, at: clock.now(), origin: '' },
      kind: 'credential.changed',
      data: { isConnected: true },
    };
    expect(spec.onEvent(connected)).toBe('wake');
    expect(spec.onEvent({ ...connected, data: { isConnected: false } })).toBe('ignore');
  });
});
