import type { ForgeSim, ForgeSimOptions, LedgerRequest, World } from '@dispatchoor/forge-sim';
import { expect } from 'vitest';
import type { FakeClock } from '../../lib/clock.testkit.ts';
import type { MemoryBudgetStore } from '../budget-store.testkit.ts';
import type { Dispatch, DispatchAccepted, Forge, ForgeError } from '../forge.ts';

/** An adapter, and the other side with its ledger. Both clocks stand still unless moved. */
export interface ForgeUnderTest {
  readonly forge: Forge;
  readonly sim: ForgeSim;
  /** Ours: the adapter's. */
  readonly clock: FakeClock;
  readonly budgets: MemoryBudgetStore;
}

export interface StartOptions {
  readonly sim?: Pick<ForgeSimOptions, 'ghes'>;
  readonly dispatchRate?: { readonly burst: number; readonly perSecond: number } | null;
  readonly tokens?: { readonly dispatch: string; readonly runners: string };
  readonly rateLimitBuffer?: number;
}

/** Starts both, the forge with `contractWorld`; the kit closes them. */
export type StartForge = (options?: StartOptions) => Promise<ForgeUnderTest>;

export const DISPATCH_TOKEN = 'token-of-the-bot';
export const RUNNERS_TOKEN = 'token-of-the-watcher';
/** May read, not write. */
export const READER_TOKEN = 'token-of-the-reader';
export const REQUEST_TIMEOUT_MS = 30_000;

export const contractWorld: World = {
  owners: [
    { login: 'acme', type: 'Organization' },
    { login: 'dev', type: 'User' },
    { login: 'bot', type: 'User' },
    { login: 'watcher', type: 'User' },
  ],
  tokens: [
    { token: DISPATCH_TOKEN, login: 'bot' },
    { token: RUNNERS_TOKEN, login: 'watcher' },
    { token: READER_TOKEN, login: 'dev', scopes: 'read' },
  ],
  repos: [{ owner: 'acme', name: 'app' }],
  workflows: [
    {
      owner: 'acme',
      repo: 'app',
      file: 'ci.yml',
      name: 'CI',
      refs: ['main', 'next'],
      inputs: { attempt: {} },
      runName: 'CI ${{ inputs.attempt }}',
      jobs: [{ name: 'build', runsOn: ['linux'], durationMs: 60_000 }],
    },
    {
      owner: 'acme',
      repo: 'app',
      file: 'matrix.yml',
      jobs: Array.from({ length: 130 }, (_, index) => ({
        name: `job ${String(index)}`,
        runsOn: ['linux'],
        durationMs: 60_000,
      })),
    },
  ],
};

/** For calls that nobody gives up. */
export const forever = new AbortController().signal;

export function dispatchOf(change: Partial<Dispatch> = {}): Dispatch {
  const base = {
    owner: 'acme',
    repo: 'app',
    workflowId: 'ci.yml',
    ref: 'main',
    inputs: {},
    maySend: () => true,
  };
  return { ...base, ...change };
}

export async function startRun(forge: Forge, change: Partial<Dispatch> = {}): Promise<string> {
  const { runId }: DispatchAccepted = await forge.dispatch(dispatchOf(change), forever);
  if (runId === null) throw new Error('the forge did not name the run');
  return runId;
}

export function addRunners(sim: ForgeSim, count: number): number[] {
  return Array.from(
    { length: count },
    (_, index) =>
      sim.addRunner({ scope: 'org:acme', name: `r${String(index)}`, labels: ['linux'] }).id,
  );
}

export function requestsOf(sim: ForgeSim, endpoint: string): LedgerRequest[] {
  return sim.ledger().requests.filter((request) => request.endpoint === endpoint);
}

export async function moveBoth(sim: ForgeSim, clock: FakeClock, ms: number): Promise<void> {
  await sim.clock.advance(ms);
  await clock.advance(ms);
}

export async function failureOf(call: Promise<unknown>): Promise<ForgeError> {
  const error: unknown = await call.then(
    () => undefined,
    (caught: unknown) => caught,
  );
  expect(error).toMatchObject({ name: 'ForgeError' });
  return error as ForgeError;
}
