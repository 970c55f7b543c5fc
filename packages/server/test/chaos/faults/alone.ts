import { setTimeout as wait } from 'node:timers/promises';
import type { Job } from '@dispatchoor/api-contract';
import type { LedgerRequest } from '@dispatchoor/forge-sim';
import { acme } from '../../harness/fixtures.ts';
import { sqlite } from '../../harness/world.ts';
import { type Scope, Site } from '../../processes/site.ts';
import type { Allowed } from '../../processes/verify/allowed.ts';
import { verify } from '../../processes/verify/verify.ts';
import type { Counts } from '../../processes/verify/verify-all.ts';
import { faultsGroups, withStubborn } from './calls.ts';
import { type Combination, nameOf } from './kinds.ts';
import { expectCalm, type Metered, type Strike } from './meter.ts';

/** Longer than a request may take, shorter than a dispatch is looked for. */
const STRIKES_FOR_MS = 1_500;
const NOTES = ['first', 'second', 'third'];

const WAITS = {
  github: { poll_interval: '400ms', request_timeout: '800ms' },
  dispatcher: {
    interval: '400ms',
    tracking_interval: '300ms',
    send_deadline: '600ms',
    run_lookup_timeout: '2500ms',
    pickup_timeout: '20s',
    recheck_after: '300ms',
  },
  waits: {
    forge_breaker: '600ms',
    reconnect: '300ms',
    retry: '300ms',
    probe: '500ms',
    cancel_retry: '300ms',
    force_cancel: '600ms',
    unreadable_run: '2s',
  },
};

const PACE = { pollMs: 400, trackMs: 300, retryMs: 300, jobs: NOTES.length + 1 };

export type Struck = Counts & Metered & Pick<Strike, 'met'>;

/** One server of its own, one fault on one call: the world goes on, and is right in the end. */
export async function strike(one: Combination, seed: number): Promise<Struck> {
  const cleanups: (() => Promise<void> | void)[] = [];
  try {
    return await strikeSite(one, { seed, onTestFinished: (cleanup) => cleanups.push(cleanup) });
  } finally {
    // Servers of a hundred combinations must not all wait for the end of the scenario.
    for (const cleanup of cleanups.reverse()) await cleanup();
  }
}

async function strikeSite(one: Combination, scope: Scope): Promise<Struck> {
  const { scenario, fault } = one;
  const site = await openSite(one, scope);
  for (const spec of [...(scenario.with ?? []), fault]) site.sim.addFault(spec);
  scenario.prepare?.(site.sim);
  const from = Date.now();
  const server = await site.start();
  const jobs = await site.enqueue(NOTES, { 'duration-ms': '100' });
  const added = scenario.act === undefined ? [] : [await scenario.act(site)];
  const strike = await meet(site, one, from);
  site.sim.clearFaults();
  scenario.settle?.(site);
  const counts = await verify(site, [...jobs, ...added], allowedIn(one, added));
  return { ...counts, ...expectCalm(site, server.logLines, strike, PACE), met: strike.met };
}

function openSite({ scenario }: Combination, scope: Scope): Promise<Site> {
  const waits = { ...WAITS.waits, ...scenario.waits };
  const dispatcher = { ...WAITS.dispatcher, ...scenario.dispatcher };
  const github = { ...WAITS.github, ...scenario.github };
  const config = { github, waits, dispatcher };
  const forge = withStubborn(acme(NOTES.length + 1));
  return Site.open({ database: sqlite, forge, groups: faultsGroups, config }, scope);
}

/** Until it has struck for a while, or as often as it is meant to. */
async function meet({ sim }: Site, one: Combination, from: number): Promise<Strike> {
  const { kind, on } = one.fault;
  const isMet = (request: LedgerRequest): boolean =>
    request.fault === kind && request.endpoint === on;
  await sim
    .wait(({ requests }) => requests.some(isMet), { timeoutMs: 120_000 })
    .catch(() => {
      throw new Error(`${nameOf(one)}: the server never made the call`);
    });
  await wait(STRIKES_FOR_MS);
  const met = sim.ledger().requests.filter(isMet);
  const to = Date.now();
  return { all: { from, to }, struck: { from: met[0]?.at ?? from, to }, met: met.length };
}

function allowedIn({ kind, scenario }: Combination, added: readonly Job[]): Allowed {
  // A 404 of a dispatch in a repository that can be read is an answer, and its job fails.
  const isRefused =
    scenario.endpoint === 'repoGet' || (scenario.endpoint === 'dispatch' && kind === 'not-found');
  return {
    cancelled: scenario.isCancelling === true ? added : [],
    refused: isRefused ? 1 : 0,
    lateRuns: 'any',
  };
}
