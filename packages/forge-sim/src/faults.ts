import { type EndpointName, endpointNames } from './endpoint-names.ts';
import type { Random, Span } from './random.ts';
import { checkShape, checkSpan } from './shape-check.ts';
import { object, span } from './world/shapes.ts';

export const faultKinds = [
  'latency',
  'status-before',
  'status-after',
  'reset-before',
  'reset-after',
  'unparsable',
  'rate-limit-429',
  'secondary-limit',
  'not-found',
  'hold',
  'hold-before',
  'odd-entry',
  'wrong-total',
  'shifting-pages',
] as const;

/**
 * `…-before`: the forge has not acted. `…-after`, `unparsable`, `latency`, `hold`: it has. The last three are of lists:
 * the page is answered, but not as it should be.
 */
export type FaultKind = (typeof faultKinds)[number];

export interface FaultSpec {
  on: EndpointName | '*';
  owner?: string;
  repo?: string;
  kind: FaultKind;
  /** For `status-…` (default 502), and to answer a limit with another code. */
  status?: number;
  /** For `status-…`: a page of HTML, as of a proxy that answers in the forge's stead. */
  html?: boolean;
  /** For `latency`; a span is drawn anew for each request, by the seed. */
  latencyMs?: number | Span;
  /** For `odd-entry`: which field of the first entry of the page (or of the one with `id`) is null. */
  field?: string;
  id?: number;
  /** For `wrong-total`: what `total_count` says. */
  total?: number;
  /** For `shifting-pages`: so many entries may have gone between two pages, drawn for each by the seed; default 1. */
  shift?: number;
  /** For the limits; default 60. */
  retryAfterS?: number;
  /** How many requests it meets; default 1, `Infinity` for all (in JSON: `"always"`). */
  times?: number | 'always';
  /** Chance for each request that fits, by the seed; default 1. */
  probability?: number;
}

export interface FaultTarget {
  endpoint: EndpointName;
  owner?: string | undefined;
  repo?: string | undefined;
}

/** A fault that meets one request. */
export interface MetFault {
  id: number;
  spec: FaultSpec;
  /** For `latency`: how long the answer is kept back. */
  latencyMs: number;
  /** For `shifting-pages`: how many have gone before this page. */
  shift: number;
  /** For the holds: resolves when the fault is released or cleared. */
  held?: Promise<void>;
}

interface ArmedFault {
  id: number;
  spec: FaultSpec;
  timesLeft: number;
}

const faultShape = object(
  {
    on: { enum: ['*', ...endpointNames] },
    owner: { type: 'string' },
    repo: { type: 'string' },
    kind: { enum: faultKinds },
    status: { type: 'integer', minimum: 400, maximum: 599 },
    html: { type: 'boolean' },
    latencyMs: { anyOf: [{ type: 'number', minimum: 0 }, span] },
    field: { type: 'string', minLength: 1 },
    id: { type: 'integer' },
    total: { type: 'number' },
    shift: { type: 'integer', minimum: 1 },
    retryAfterS: { type: 'integer', minimum: 0 },
    times: { anyOf: [{ type: 'integer', minimum: 1 }, { const: 'always' }] },
    probability: { type: 'number', minimum: 0, maximum: 1 },
  },
  ['on', 'kind'],
);

export class Faults {
  readonly #random: Random;
  #armed: ArmedFault[] = [];
  #lastId = 0;
  readonly #held = new Map<number, Set<() => void>>();

  constructor(random: Random) {
    this.#random = random;
  }

  add(spec: FaultSpec): { id: number } {
    const { times = 1, ...rest } = spec;
    const isEndless = times === 'always' || times === Infinity;
    checkShape('fault', faultShape, { ...rest, times: isEndless ? 'always' : times });
    checkSpan('fault.latencyMs', rest.latencyMs);
    this.#lastId += 1;
    this.#armed.push({ id: this.#lastId, spec, timesLeft: isEndless ? Infinity : times });
    return { id: this.#lastId };
  }

  /** The first armed fault that fits takes the request; a fault met its last time is gone. */
  take(target: FaultTarget): MetFault | undefined {
    const fault = this.#armed.find(
      ({ spec }) => fits(spec, target) && this.#random.next() < (spec.probability ?? 1),
    );
    if (fault === undefined) return undefined;
    fault.timesLeft -= 1;
    if (fault.timesLeft <= 0) this.#armed = this.#armed.filter((other) => other !== fault);
    const { id, spec } = fault;
    // From here on, so that who sees the request in the ledger can release it.
    const isHold = spec.kind === 'hold' || spec.kind === 'hold-before';
    const latencyMs = this.#drawLatencyMs(spec);
    const shift = this.#drawShift(spec);
    return { id, spec, latencyMs, shift, ...(isHold ? { held: this.#hold(id) } : {}) };
  }

  /** Lets go of every request that this fault holds now. */
  release(faultId: number): void {
    const held = this.#held.get(faultId);
    this.#held.delete(faultId);
    for (const letGo of held ?? []) letGo();
  }

  clear(): void {
    this.#armed = [];
    for (const faultId of [...this.#held.keys()]) this.release(faultId);
  }

  #drawLatencyMs({ latencyMs = 0 }: FaultSpec): number {
    return typeof latencyMs === 'number' ? latencyMs : this.#random.within(latencyMs);
  }

  #drawShift({ kind, shift = 1 }: FaultSpec): number {
    return kind === 'shifting-pages' ? this.#random.within([0, shift]) : 0;
  }

  #hold(faultId: number): Promise<void> {
    return new Promise((resolve) => {
      const held = this.#held.get(faultId) ?? new Set();
      this.#held.set(faultId, held.add(resolve));
    });
  }
}

function fits(spec: FaultSpec, target: FaultTarget): boolean {
  const same = (wanted: string | undefined, actual: string | undefined): boolean =>
    wanted === undefined || wanted.toLowerCase() === actual?.toLowerCase();
  const isEndpoint = spec.on === '*' || spec.on === target.endpoint;
  return isEndpoint && same(spec.owner, target.owner) && same(spec.repo, target.repo);
}
