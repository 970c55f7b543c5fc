import type { FaultKind, FaultSpec, ForgeSim, World as SimWorld } from '@dispatchoor/forge-sim';
import {
  BOT,
  CORRELATION_INPUT,
  runners,
  TOKEN,
  template,
  workflow,
} from '../../harness/fixtures.ts';
import { faultKinds } from './kinds.ts';

/** Of all requests. */
const SHARE = 0.1;
const REPOS = 10;
/** Held replies are let go this often: some in time, some after the request was given up. */
const RELEASE_EVERY_MS = 700;

/** What tells the kinds apart from each other. */
const KINDS: Partial<Record<FaultKind, Partial<FaultSpec>>> = {
  latency: { latencyMs: 300 },
  'rate-limit-429': { retryAfterS: 1 },
  'secondary-limit': { retryAfterS: 1 },
};

const repoOf = (index: number): string => `app-${index + 1}`;

/** Ten repositories, and runs that bear in their name which attempt made them. */
export function mixedForge(runnerCount: number): SimWorld {
  const repos = Array.from({ length: REPOS }, (_, index) => repoOf(index));
  return {
    owners: [{ login: 'acme', type: 'Organization' }],
    tokens: [{ token: TOKEN, login: BOT }],
    repos: repos.map((name) => ({ owner: 'acme', name })),
    workflows: repos.map((repo) => workflow({ repo })),
    runners: runners(runnerCount),
  };
}

export const mixedGroups = {
  github: [
    {
      id: 'linux',
      name: 'Linux',
      runner_labels: ['self-hosted', 'linux'],
      workflow_dispatch_templates: Array.from({ length: REPOS }, (_, index) =>
        template({
          id: templateOf(index),
          repo: repoOf(index),
          correlation_input: CORRELATION_INPUT,
        }),
      ),
    },
  ],
};

export function templateOf(index: number): string {
  return `build-${(index % REPOS) + 1}`;
}

/**
 * A tenth of all requests meets one of all the kinds. Returns how to end it.
 *
 * @param limits How many limits there are of either kind. Each is obeyed for longer than the one before: without an
 * end to them there would be no end to waiting.
 */
export function mixFaults(sim: ForgeSim, limits: number): () => void {
  const isLimit = (kind: FaultKind): boolean => kind.includes('limit');
  // The limits are soon over: the others make up the share.
  const lasting = faultKinds.filter((kind) => !isLimit(kind)).length;
  const probability = 1 - (1 - SHARE) ** (1 / lasting);
  const held: number[] = [];
  for (const kind of faultKinds) {
    const times = isLimit(kind) ? limits : 'always';
    const { id } = sim.addFault({ on: '*', kind, probability, times, ...KINDS[kind] });
    if (kind.startsWith('hold')) held.push(id);
  }
  const releasing = setInterval(() => {
    for (const id of held) sim.release(id);
  }, RELEASE_EVERY_MS);
  return () => {
    clearInterval(releasing);
    sim.clearFaults();
  };
}

/** How many requests each kind has met. */
export function countFaults(sim: ForgeSim): Record<FaultKind, number> {
  const { requests } = sim.ledger();
  const counts = faultKinds.map((kind) => {
    return [kind, requests.filter(({ fault }) => fault === kind).length] as const;
  });
  return Object.fromEntries(counts) as Record<FaultKind, number>;
}
