import { expect, it } from 'vitest';
import { FakeClock } from '../../lib/clock.testkit.ts';
import { CancelPace } from './cancel-pace.ts';

const RETRY_MS = 30_000;

function start() {
  const clock = new FakeClock();
  const pace = new CancelPace(clock, RETRY_MS);
  const of = (id: string, repo = 'app') => ({ attempt: { id, owner: 'acme', repo } });
  const turn = (...wanted: ReturnType<typeof of>[]): string[] =>
    pace.inTurn(wanted).map(({ attempt }) => attempt.id);
  const tryBegin = (id: string, repo?: string) => pace.tryBegin(of(id, repo).attempt);
  return { clock, pace, of, turn, tryBegin };
}

it('one that is under way is not begun again, and one that has failed waits for its next try', async () => {
  const { clock, pace, of, turn, tryBegin } = start();
  expect(turn(of('a'), of('b'))).toEqual(['a', 'b']);
  tryBegin('a');
  expect(turn(of('a'), of('b'))).toEqual(['b']);
  pace.end(of('a').attempt);
  expect(turn(of('a'), of('b'))).toEqual(['b']);
  await clock.advance(RETRY_MS);
  expect(turn(of('a'), of('b'))).toEqual(['b', 'a']);
});

it('those of a repository that hangs leave room for the others, and go when one of them has ended', () => {
  const { pace, of, tryBegin } = start();
  expect([tryBegin('a', 'slow'), tryBegin('b', 'Slow')]).toEqual([true, true]);
  expect(tryBegin('c', 'slow')).toBe(false);
  expect(tryBegin('d')).toBe(true);
  expect(pace.end(of('a').attempt)).toBe(true);
  expect(tryBegin('c', 'slow')).toBe(true);
});

it('nobody is woken where none was left out', () => {
  const { pace, of, tryBegin } = start();
  tryBegin('a');
  expect(pace.end(of('a').attempt)).toBe(false);
});

it('no more than sixteen are under way at once', () => {
  const { tryBegin } = start();
  const begun = Array.from({ length: 20 }, (_, n) => tryBegin(String(n), `repo-${String(n)}`));
  expect(begun.filter(Boolean)).toHaveLength(16);
});

it('of those in a closed repository one is asked for at a time, ever more rarely, until it is open again', async () => {
  const { clock, pace, of, turn, tryBegin } = start();
  const [a, b, c, other] = [of('a', 'gone'), of('b', 'gone'), of('c', 'gone'), of('d')] as const;
  const all = [a, b, c, other];
  const fail = (...ids: string[]): void => {
    for (const id of ids) {
      tryBegin(id, 'gone');
      pace.noteLasting(of(id, 'gone').attempt, 'closed');
      pace.end(of(id, 'gone').attempt);
    }
  };
  expect(turn(...all)).toEqual(['a', 'b', 'c', 'd']);
  fail('a', 'b', 'c');
  expect(turn(...all)).toEqual(['d']);
  await clock.advance(RETRY_MS);
  expect(turn(...all)).toEqual(['d', 'a']);
  fail('a');
  await clock.advance(RETRY_MS);
  expect(turn(...all)).toEqual(['d']);
  await clock.advance(RETRY_MS);
  expect(turn(...all)).toEqual(['d', 'b']);
  // One that is new is tried once.
  expect(turn(...all, of('e', 'gone'))).toContain('e');
  pace.noteOver(of('b', 'gone').attempt);
  expect(turn(...all)).toEqual(['d', 'b', 'c', 'a']);
});
