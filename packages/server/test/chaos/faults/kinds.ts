import type { FaultKind, FaultSpec } from '@dispatchoor/forge-sim';
import type { CallScenario } from './calls.ts';

/** Those of any call; the faults of lists (test/odd-lists.test.ts) do nothing to other answers. */
type CallFaultKind = Exclude<FaultKind, 'odd-entry' | 'wrong-total' | 'shifting-pages'>;

/** Every kind of fault that a call can meet, and how long it strikes. */
const KINDS: Readonly<Record<CallFaultKind, Omit<FaultSpec, 'on' | 'kind'>>> = {
  latency: { latencyMs: 400, times: 'always' },
  'status-before': { times: 'always' },
  'status-after': { times: 'always' },
  'reset-before': { times: 'always' },
  'reset-after': { times: 'always' },
  unparsable: { times: 'always' },
  // What a limit says is obeyed, and obeyed for longer each time: two are enough to see it.
  'rate-limit-429': { retryAfterS: 1, times: 2 },
  'secondary-limit': { retryAfterS: 1, times: 2 },
  'not-found': { times: 'always' },
  hold: { times: 'always' },
  'hold-before': { times: 'always' },
};

export const faultKinds = Object.keys(KINDS) as CallFaultKind[];

/** About one object. A 404 that stays says that it is gone, and is believed: only one that passes is a fault. */
const OBJECTS = new Set(['dispatch', 'getRun', 'getRunAttempt', 'cancel', 'forceCancel']);

const STATUSES = [500, 502, 503, 504];

export interface Combination {
  readonly kind: CallFaultKind;
  readonly scenario: CallScenario;
  readonly fault: FaultSpec;
}

export function combine(
  kind: CallFaultKind,
  scenario: CallScenario,
  random: () => number,
): Combination {
  const isPassing = kind === 'not-found' && OBJECTS.has(scenario.endpoint);
  const status = STATUSES[Math.floor(random() * STATUSES.length)] ?? 502;
  const fault: FaultSpec = {
    ...KINDS[kind],
    ...(kind.startsWith('status-') ? { status } : {}),
    ...(isPassing ? { times: 1 } : {}),
    on: scenario.endpoint,
    kind,
  };
  return { kind, scenario, fault };
}

export function nameOf({ kind, scenario }: Combination): string {
  return `${kind} × ${scenario.endpoint}`;
}
