import { CompiledQuery, type Kysely, type KyselyPlugin } from 'kysely';
import { describe, expect, it } from 'vitest';
import type { Database } from '../database.ts';
import { databases, useDatabase } from '../databases.testkit.ts';
import { CREDENTIAL, FORGE, fixtureOn, manual } from '../dispatch/dispatch.testkit.ts';
import { makeDispatchStore } from '../dispatch/dispatch.ts';
import { makeEventStore } from '../events.ts';
import { makeRunStore } from '../runs/runs.ts';
import type { Schema } from '../schema.ts';
import { makeWebhookStore } from '../webhooks/webhooks.ts';
import { makeJobStore } from './jobs.ts';

/** A million rows of these are normal: no question may read one of them from end to end (defect #33). */
const LARGE = [
  ...['jobs', 'attempts', 'events', 'run_workflow_jobs', 'idempotency_keys'],
  'webhook_deliveries',
];

const [sqlite] = databases.filter(({ name }) => name === 'sqlite');

/** The same database, noting all that is asked of it. */
function noting(database: Database, asked: CompiledQuery[]): Database {
  const on = (db: Kysely<Schema>): Kysely<Schema> => {
    const plugin: KyselyPlugin = {
      transformQuery: ({ node, queryId }) => {
        asked.push(db.getExecutor().compileQuery(node, queryId));
        return node;
      },
      transformResult: async ({ result }) => result,
    };
    return db.withPlugin(plugin);
  };
  return {
    ...database,
    read: on(database.read),
    snapshot: (work) => database.snapshot((db) => work(on(db))),
    write: (work, options) =>
      // Kysely's types do not say that a transaction with a plugin is one still.
      database.write((tx) => work({ ...tx, db: on(tx.db) as unknown as typeof tx.db }), options),
  };
}

describe('questions on sqlite', () => {
  const at = useDatabase(sqlite!);
  const fixture = fixtureOn(at);

  it('never read a large table from end to end (defect #33)', async () => {
    await fixture.start();
    await fixture.addTemplate('u', { labels: { net: 'main' } });
    await fixture.addRunners('1');
    for (const templateId of ['t', 'u', 't']) await fixture.add({ templateId, ref: templateId });
    const { attempt } = await fixture.claimNew(await fixture.lease(), { templateId: 'u' });
    await fixture.dispatch().recordAccepted(attempt.id, { runId: '1', runUrl: '' });
    const ended = fixture.run('1', { status: 'completed', conclusion: 'success' });
    await fixture.runs().recordRun(attempt.id, ended, 1);
    const { jobId } = (await fixture.claimNew(await fixture.lease())).attempt;
    const asked: CompiledQuery[] = [];
    const database = noting(at.database, asked);
    const [jobs, dispatch, runs] = [
      makeJobStore(database),
      makeDispatchStore(database),
      makeRunStore(database),
    ];
    const { nextCursor } = await jobs.listQueue('g', { limit: 2 });
    await jobs.listQueue('g', { limit: 1, cursor: nextCursor! });
    await jobs.countQueue();
    await jobs.findWaitFacts(jobId);
    const page = { limit: 1, before: null, states: ['completed', 'failed'], labels: {} } as const;
    const { nextCursor: before } = await jobs.listHistory('g', page);
    await jobs.listHistory('g', { ...page, before, labels: { net: 'main' } });
    for (const { id } of (await jobs.listQueue('g', {})).jobs) await jobs.findJob(id);
    await dispatch.loadState({
      ...{ forgeId: FORGE, credential: CREDENTIAL, freshForMs: 1, pickupTimeoutMs: 1 },
      lostPickupMs: 1,
      acceptedAt: null,
      ...{ offsetMs: 0, runMayBeMadeWithinMs: 1, labelCase: 'ignored' },
    });
    await runs.listLive(FORGE);
    await runs.listWatched(FORGE, 0);
    await runs.listGuessed(FORGE, 0);
    await runs.listAcceptedByTime(FORGE, 0);
    await runs.listStamped(FORGE, 1);
    const named = { forgeId: FORGE, owner: 'acme', repo: 'app', limit: 1 };
    await runs.listNamedRuns({ ...named, claimedSince: 0, claimedUntil: 1 });
    await runs.listOwnedRunIds(FORGE, ['1']);
    await runs.listWantedCancels(FORGE, { runMadeWithinMs: 0, forceCancelMs: 1 });
    await runs.listWorkflowJobs(FORGE, '1');
    await runs.listToCheck(FORGE);
    await dispatch.expireClaims(await fixture.lease(), 1);
    const events = makeEventStore(database);
    await events.listAfter(await events.lastSeq(), 1);
    await makeWebhookStore(database).listOpen(FORGE, 1);
    const place = { owner: 'acme', repo: 'app' };
    await makeWebhookStore(database).listDeliveredRuns(FORGE, { ...place, receivedSince: 0 });
    expect(asked.length).toBeGreaterThan(30);
    const scans = (await Promise.all(asked.map((query) => explain(at.database, query)))).flat();
    expect(scans.filter((line) => LARGE.some((table) => line.startsWith(`SCAN ${table}`)))).toEqual(
      [],
    );
  });

  it('pass over jobs that wait for an outcome inside the index that is in their order', async () => {
    await fixture.start();
    await fixture.addRunners('1', '2');
    const lost = { ...manual, inputs: { n: 'lost' } };
    const { attempt } = await fixture.claimNew(await fixture.lease(), lost);
    await fixture.dispatch().recordUnknown(attempt.id, '502');
    for (let n = 0; n < 6; n += 1) await fixture.add({ ...manual, inputs: { n: String(n) } });
    const asked: CompiledQuery[] = [];
    const base = {
      forgeId: FORGE,
      labelCase: 'ignored',
      credential: CREDENTIAL,
      offsetMs: 0,
    } as const;
    const WITHIN = { runMayBeMadeWithinMs: 60_000 };
    const times = {
      freshForMs: 60_000,
      pickupTimeoutMs: 1,
      lostPickupMs: 1,
      acceptedAt: null,
      ...WITHIN,
    };
    await makeDispatchStore(noting(at.database, asked)).loadState({ ...base, ...times });
    const passing = asked.filter(({ parameters }) => parameters.includes(manual.workflowId));
    expect(passing.length).toBeGreaterThan(0);
    for (const query of passing) {
      const plan = (await explain(at.database, query)).join();
      expect(plan).toContain('SEARCH jobs USING COVERING INDEX jobs_pending');
      expect(plan).not.toContain('TEMP B-TREE');
    }
  });

  it('find the attempts that a webhook may be about among those alone (defect #33)', async () => {
    await fixture.start();
    const asked: CompiledQuery[] = [];
    const webhooks = makeWebhookStore(noting(at.database, asked));
    const event = { kind: 'run', owner: 'acme', repo: 'app', at: at.clock.now() } as const;
    const observation = { ...event, run: fixture.run('1') };
    await webhooks.add({ forgeId: FORGE, id: '1', event: 'workflow_run', observation });
    await webhooks.take(await fixture.lease(), await webhooks.listOpen(FORGE, 1), 1);
    const plans = (await Promise.all(asked.map((query) => explain(at.database, query)))).flat();
    const ofAttempts = plans.filter((line) => line.includes('attempts_'));
    expect(ofAttempts.join()).toContain('attempts_watched');
    expect(ofAttempts.join()).toContain('attempts_live');
  });

  it('find attempts with a run by its time among those alone: each look at a repository asks', async () => {
    const asked: CompiledQuery[] = [];
    const runs = makeRunStore(noting(at.database, asked));
    await runs.listAcceptedByTime(FORGE, 1);
    await runs.listGuessed(FORGE, 1);
    const plans = await Promise.all(asked.map((query) => explain(at.database, query)));
    expect(plans).toEqual([
      [expect.stringContaining('attempts_by_time (forge_id=? AND claimed_at>?)')],
      [expect.stringContaining('attempts_in_doubt (forge_id=? AND claimed_at>?)')],
    ]);
  });

  it('find the last webhook without looking at the others: each cycle asks', async () => {
    const asked: CompiledQuery[] = [];
    await makeWebhookStore(noting(at.database, asked)).findFlow(FORGE);
    const plans = (await Promise.all(asked.map((query) => explain(at.database, query)))).flat();
    expect(plans).toContainEqual(expect.stringContaining('webhook_deliveries_last'));
    expect(plans.filter((line) => line.includes('TEMP B-TREE'))).toEqual([]);
  });
});

async function explain(database: Database, query: CompiledQuery): Promise<string[]> {
  const text = `explain query plan ${query.sql}`;
  const { rows } = await database.read.executeQuery<{ detail: string }>(
    CompiledQuery.raw(text, [...query.parameters]),
  );
  return rows.map((row) => row.detail);
}
