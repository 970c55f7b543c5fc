import { expect, it } from 'vitest';
import { attempt, CLAIMED_AT } from '../../domain/attempt.testkit.ts';
import { pollsByRepo } from './repo-runs.ts';

const HOUR_MS = 60 * 60_000;
const EXACT = { offsetMs: 0, uncertaintyMs: 0 };
const known = (id: string, claimedAt: number) =>
  attempt(id, { state: 'accepted', runId: id, claimedAt });

it('lists a repository once for all its attempts, back to a minute before the first, on the forge’s clock', () => {
  const polls = pollsByRepo(
    [
      { ...known('a', CLAIMED_AT), forgeClaimedAt: CLAIMED_AT + 2_000 },
      { ...known('b', CLAIMED_AT + 5_000), forgeClaimedAt: CLAIMED_AT + 7_000 },
      attempt('c', { repo: 'other' }),
    ],
    CLAIMED_AT + 10_000,
    EXACT,
  );
  expect(polls.map(({ repo, listed }) => [repo, listed.map(({ id }) => id)])).toEqual([
    ['app', ['a', 'b']],
    ['other', ['c']],
  ]);
  expect(polls[0]?.createdSince).toBe(CLAIMED_AT + 2_000 - 60_000);
});

it('reads a few long-running ones one by one instead of listing back to their start', () => {
  const now = CLAIMED_AT + 30 * HOUR_MS;
  const [poll] = pollsByRepo([known('old', CLAIMED_AT), known('new', now - 1_000)], now, EXACT);
  expect(poll?.single.map(({ id }) => id)).toEqual(['old']);
  expect(poll?.listed.map(({ id }) => id)).toEqual(['new']);
});

it('reads many long-running ones in turn: those seen longest ago, behind what is urgent', () => {
  const now = CLAIMED_AT + 30 * HOUR_MS;
  const many = Array.from({ length: 20 }, (_, i) => ({
    ...known(`old-${String(i)}`, CLAIMED_AT + i),
    runObservedAt: now - 1_000 * i,
  }));
  const [poll] = pollsByRepo([...many, known('new', now)], now, EXACT, new Set(['old-0']));
  const turn = ['old-0', 'old-19', 'old-18', 'old-17', 'old-16', 'old-15', 'old-14', 'old-13'];
  expect(poll?.single.map(({ id }) => id)).toEqual(turn);
  expect(poll?.listed.map(({ id }) => id)).toEqual(['new']);
});

it('lists for an old attempt that has no run yet: only a listing can show it', () => {
  const now = CLAIMED_AT + 2 * HOUR_MS;
  const [poll] = pollsByRepo([attempt('lost', { claimedAt: CLAIMED_AT })], now, EXACT);
  expect(poll?.listed).toHaveLength(1);
});
