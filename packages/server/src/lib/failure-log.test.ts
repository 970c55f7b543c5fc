import { describe, expect, it } from 'vitest';
import { FakeClock } from './clock.testkit.ts';
import { type Failure, FailureLog } from './failure-log.ts';

function start() {
  const clock = new FakeClock();
  const told: Failure[] = [];
  return { clock, told, row: new FailureLog(clock, (failure) => told.push(failure)) };
}

const away = new Error('away');
const full = new Error('full');

describe('a row of failures', () => {
  it('is told once at its start, then every 30 s with the number of those in between', async () => {
    const { clock, told, row } = start();
    for (let second = 0; second <= 60; second += 1) {
      row.fail(away);
      await clock.advance(1_000);
    }
    expect(told).toEqual([
      { err: away, failures: 1 },
      { err: away, failures: 30 },
      { err: away, failures: 30 },
    ]);
  });

  it('is told at once when it becomes another, however often they take turns', () => {
    const { told, row } = start();
    for (const error of [away, away, full, full, away]) row.fail(error);
    expect(told.map(({ err }) => err)).toEqual([away, full]);
  });

  it('ends with what works, and a new one is told at once', () => {
    const { told, row } = start();
    row.fail(away);
    row.end();
    row.fail(away);
    expect(told).toHaveLength(2);
  });
});
