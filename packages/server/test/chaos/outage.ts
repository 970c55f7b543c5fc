import { setTimeout as wait } from 'node:timers/promises';
import { Readiness, Status } from '@dispatchoor/api-contract';
import { expect } from 'vitest';
import { busiest } from '../processes/busiest.ts';
import type { ServerProcess } from '../processes/server-process.ts';
import type { Site } from '../processes/site.ts';
import type { Refusal } from './job-flow.ts';
import { listWarnings } from './warnings.ts';

/** What a server says about itself while its database is away. */
export interface Seen {
  readonly ready: number;
  readonly reasons: readonly string[];
  /** `undefined`: not even its session could be read. */
  readonly database: Status['database'] | undefined;
}

async function look(site: Site, server: ServerProcess): Promise<Seen> {
  const ready = await fetch(`${server.url}/ready`);
  const { reasons } = Readiness.parse(await ready.json());
  site.ask(server);
  const { status, text } = await site.api.ask('/api/v1/status');
  const database = status === 200 ? Status.parse(JSON.parse(text)).database : undefined;
  return { ready: ready.status, reasons, database };
}

/** Until it says that its database is not as it should be. */
export function degraded(site: Site, server: ServerProcess): Promise<Seen> {
  return site.until(
    `${server.name} notices`,
    () => look(site, server),
    ({ ready, database }) => ready === 503 && database?.status !== 'healthy',
  );
}

/** Until it serves again. @returns how long that took, milliseconds */
export async function recovered(site: Site, server: ServerProcess): Promise<number> {
  const startedAt = performance.now();
  await site.until(
    `${server.name} is well again`,
    async () => {
      const seen = await look(site, server);
      if (seen.ready !== 200) await wait(50);
      return seen;
    },
    ({ ready, database }) => ready === 200 && database?.status === 'healthy',
  );
  return Math.round(performance.now() - startedAt);
}

/** Each answer that was no 201 said that the database is the reason, and in time. */
export function expectClear(refusals: readonly Refusal[], withinMs: number): void {
  const unclear = refusals.filter(
    ({ status, code }) =>
      status !== 503 || !['database-unavailable', 'outcome-unknown'].includes(code),
  );
  expect(unclear, 'answers that do not say what is wrong').toEqual([]);
  const slow = refusals.filter(({ tookMs }) => tookMs > withinMs);
  expect(slow, `answers that took more than ${withinMs} ms`).toEqual([]);
}

/** Most warnings of a server within one second, but for those that tell of a single request. */
export function mostWarningsASecond({ logLines }: ServerProcess): number {
  const warnings = listWarnings(logLines).filter(({ requestId }) => requestId === undefined);
  return busiest(
    warnings.map(({ at }) => at),
    1_000,
  );
}
