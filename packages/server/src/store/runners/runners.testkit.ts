import type { ObservedRunner } from '../../domain/runner.ts';
import type { DatabaseUnderTest } from '../databases.testkit.ts';
import { makeEventStore } from '../events.ts';
import { makeLeaseStore } from '../leases.ts';
import type { Fence } from '../port/leases.ts';
import type { RunnerSync } from '../port/runners.ts';
import { makeRunnerStore } from './runners.ts';

export const SCOPE = 'org:acme';
export const UNSEEN_MS = 180_000;

export function seen(id: string, change: Partial<ObservedRunner> = {}): ObservedRunner {
  return {
    forgeRunnerId: id,
    name: `runner-${id}`,
    labels: ['self-hosted', 'linux'],
    os: 'linux',
    status: 'online',
    isBusy: false,
    ...change,
  };
}

/** What the tests of runners say again and again. */
export function runnerFixtureOn(at: DatabaseUnderTest) {
  const runners = () => makeRunnerStore(at.database);

  /** A forge with one scope, and the lease its poll works under. */
  const start = async (...scopes: string[]): Promise<Fence> => {
    await at.database.write(async ({ db, now }) => {
      await db.insertInto('forges').values({ id: 'f', kind: 'github', created_at: now }).execute();
    });
    const fence = await makeLeaseStore(at.database).tryAcquire('poll', 'me', 60_000);
    await runners().setScopes(fence!, 'f', scopes.length === 0 ? [SCOPE] : scopes);
    return fence!;
  };
  const listing = (
    sentAt: number,
    found: RunnerSync['runners'],
    change: Partial<RunnerSync> = {},
  ): RunnerSync => ({
    ...{ forgeId: 'f', scope: SCOPE, sentAt, runners: found },
    ...{ etags: ['"e"'], unseenMs: UNSEEN_MS },
    ...change,
  });
  const shown = async () =>
    (await runners().listRunners()).map((r) => `${r.name} ${r.status}${r.isBusy ? ' busy' : ''}`);
  const readEvents = async () => makeEventStore(at.database).listAfter(0, 1_000);
  const newEvents = async (write: () => Promise<unknown>) => {
    const before = await makeEventStore(at.database).lastSeq();
    await write();
    const events = await makeEventStore(at.database).listAfter(before, 1_000);
    return events.map((event) => event.kind);
  };
  return { runners, start, listing, shown, readEvents, newEvents };
}
