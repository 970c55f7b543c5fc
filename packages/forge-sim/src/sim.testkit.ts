import { onTestFinished } from 'vitest';
import type { ForgeSim, ForgeSimOptions, World } from './index.ts';
import { startForgeSim } from './index.ts';

export const TOKEN = 'token-of-acme-bot';
export const SECOND = 1_000;
/** 2026-01-31T12:00:00Z */
export const NOON = 1_769_860_800_000;

/** One organisation, one repository, a workflow `ci.yml` of one 10 s job, and no runner. */
export const smallWorld: World = {
  owners: [
    { login: 'acme', type: 'Organization' },
    { login: 'jane', type: 'User' },
  ],
  tokens: [{ token: TOKEN, login: 'acme-bot' }],
  repos: [
    { owner: 'acme', name: 'app' },
    { owner: 'jane', name: 'dotfiles' },
  ],
  workflows: [workflow({ jobs: [{ name: 'test', runsOn: ['linux'], durationMs: 10 * SECOND }] })],
};

type WorkflowSpec = NonNullable<World['workflows']>[number];

export function workflow(spec: Partial<WorkflowSpec>): WorkflowSpec {
  return { owner: 'acme', repo: 'app', file: 'ci.yml', name: 'CI', jobs: [], ...spec };
}

/** A forge on a manual clock from noon; it is closed when the test ends. */
export async function startSim(
  options: ForgeSimOptions = {},
  world: World = smallWorld,
): Promise<ForgeSim> {
  const sim = await startForgeSim({ clock: 'manual', startAt: NOON, ...options });
  onTestFinished(() => sim.close());
  sim.seed(world);
  return sim;
}

/** Any JSON, read by the fields that the test expects. */
type Json = ReturnType<typeof JSON.parse>;

export interface Reply {
  status: number;
  headers: Headers;
  body: Json;
}

export interface CallOptions {
  token?: string | null;
  body?: unknown;
  headers?: Record<string, string>;
}

/** A request as a good client sends it. */
export async function call(
  sim: ForgeSim,
  route: string,
  { token = TOKEN, body, headers = {} }: CallOptions = {},
): Promise<Reply> {
  const [method = 'GET', path = '/'] = route.split(' ');
  const response = await fetch(sim.url + path, {
    method,
    headers: {
      accept: 'application/vnd.github+json',
      'user-agent': 'forge-sim tests',
      'x-github-api-version': '2022-11-28',
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  const parsed: unknown = text === '' ? undefined : JSON.parse(text);
  return { status: response.status, headers: response.headers, body: parsed };
}

export const DISPATCH = 'POST /repos/acme/app/actions/workflows/ci.yml/dispatches';

/** Dispatches `ci.yml` and returns the id of its run. */
export async function dispatch(
  sim: ForgeSim,
  inputs: Record<string, unknown> = {},
): Promise<number> {
  const reply = await call(sim, DISPATCH, {
    body: { ref: 'main', inputs, return_run_details: true },
  });
  if (reply.status !== 200) throw new Error(`dispatch: ${JSON.stringify(reply.body)}`);
  return reply.body.workflow_run_id as number;
}

export function getRun(sim: ForgeSim, runId: number): LedgerRun {
  const run = sim.ledger().runs.find((each) => each.id === runId);
  if (run === undefined) throw new Error(`no run ${String(runId)} in the ledger`);
  return run;
}

type LedgerRun = ReturnType<ForgeSim['ledger']>['runs'][number];
