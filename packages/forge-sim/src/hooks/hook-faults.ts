import type { Random, Span } from '../random.ts';
import { checkShape, checkSpan } from '../shape-check.ts';
import { object, span } from '../world/shapes.ts';

/** What goes wrong with deliveries; each is a chance from 0 to 1, drawn by the seed. */
export interface HookFaults {
  /** Never sent. */
  lost?: number;
  /** Sent twice under one GUID. */
  doubled?: number;
  /** Sent so many ms later. */
  delayed?: { probability: number; ms: Span };
  /** Held until later ones of the same run have been sent; `true` is 1. */
  reordered?: number | boolean;
}

/** What meets one delivery. */
export interface DeliveryLuck {
  isLost: boolean;
  isDoubled: boolean;
  delayMs: number;
  isReordered: boolean;
}

const chance = { type: 'number', minimum: 0, maximum: 1 };

const hookFaultsShape = object({
  lost: chance,
  doubled: chance,
  delayed: object({ probability: chance, ms: span }, ['probability', 'ms']),
  reordered: { anyOf: [chance, { type: 'boolean' }] },
});

export function checkHookFaults(faults: HookFaults): void {
  checkShape('hook faults', hookFaultsShape, faults);
  checkSpan('hook faults.delayed.ms', faults.delayed?.ms);
}

/** Always draws as many numbers, so that switching one fault on does not move the others. */
export function drawLuck(random: Random, faults: HookFaults): DeliveryLuck {
  const { lost = 0, doubled = 0, delayed, reordered = 0 } = faults;
  const isLost = random.next() < lost;
  const isDoubled = random.next() < doubled;
  const isDelayed = random.next() < (delayed?.probability ?? 0);
  const delayMs = random.within(delayed?.ms ?? [0, 0]);
  const isReordered = random.next() < Number(reordered);
  return { isLost, isDoubled, delayMs: isDelayed ? delayMs : 0, isReordered };
}
