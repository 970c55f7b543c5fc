import { FakeClock } from '../../lib/clock.testkit.ts';
import { RequestBudget, type Share } from './budget.ts';
import type { WireAnswer } from './limit-facts.ts';

export const HOUR_MS = 3_600_000;
export const shares: readonly Share[] = ['dispatch', 'cancel', 'lookup', 'track', 'poll'];

export function start(pollReserve = 100): { clock: FakeClock; budget: RequestBudget } {
  const clock = new FakeClock();
  return { clock, budget: new RequestBudget(clock, pollReserve) };
}

export function answer(clock: FakeClock, change: Partial<WireAnswer> = {}): WireAnswer {
  return { status: 200, headers: {}, body: '', sentAt: clock.now(), ...change };
}

export function counted(clock: FakeClock, remaining: number, resetInMs = HOUR_MS): WireAnswer {
  return answer(clock, {
    headers: {
      'x-ratelimit-limit': '5000',
      'x-ratelimit-remaining': String(remaining),
      'x-ratelimit-reset': String((clock.now() + resetInMs) / 1_000),
    },
  });
}

export function secondary(clock: FakeClock, headers: Record<string, string> = {}): WireAnswer {
  const body = '{"message":"You have exceeded a secondary rate limit."}';
  return answer(clock, { status: 403, body, headers });
}
