/** The inbox of webhooks: on disk before they are answered, applied once, in one transaction with being done. */
import { sql } from 'kysely';
import { SYSTEM_ACTOR } from '../../domain/event.ts';
import type { Database, WriteTx } from '../database.ts';
import { holdsLease } from '../leases.ts';
import type { Fence } from '../port/leases.ts';
import type { NewDelivery, OpenDelivery, StoredFlow, WebhookStore } from '../port/webhooks.ts';
import type { WebhookDeliveryRow } from '../schema.ts';
import { applyObservation } from './apply.ts';
import { listDeliveredRuns } from './delivered-runs.ts';
import { ServedRepos } from './served.ts';

export function makeWebhookStore(database: Database): WebhookStore {
  const served = new ServedRepos(database);
  return {
    servesRepo: (forgeId, owner, repo) => served.has(forgeId, owner, repo),
    add: (delivery) => database.write((tx) => add(tx, delivery)),
    listOpen: (forgeId, limit) => listOpen(database, forgeId, limit),
    take: (fence, deliveries, lateRunMs) => take(database, fence, deliveries, lateRunMs),
    listDeliveredRuns: (forgeId, since) => listDeliveredRuns(database, forgeId, since),
    findFlow: (forgeId) => findFlow(database, forgeId),
    recordMiss: (forgeId, spellMs) => database.write((tx) => recordMiss(tx, forgeId, spellMs)),
    recordFailure: (fence, delivery, failure) => recordFailure(database, fence, delivery, failure),
  };
}

async function add(tx: WriteTx, delivery: NewDelivery): Promise<boolean> {
  const { forgeId, id, event, observation } = delivery;
  const { numInsertedOrUpdatedRows } = await tx.db
    .insertInto('webhook_deliveries')
    .values({
      forge_id: forgeId,
      id,
      event,
      run_id: runIdOf(observation),
      observation: JSON.stringify(observation),
      received_at: tx.now,
      processed_at: null,
      is_unowned: 0,
      tries: 0,
      failure: '',
    })
    .onConflict((conflict) => conflict.columns(['forge_id', 'id']).doNothing())
    .executeTakeFirst();
  if (numInsertedOrUpdatedRows !== 1n) return false;
  tx.emit({
    kind: 'webhook.received',
    subjectType: 'webhook',
    subjectId: id,
    groupId: null,
    forgeId,
    actor: SYSTEM_ACTOR,
    isAudit: false,
    data: { event },
  });
  return true;
}

function runIdOf(observation: NewDelivery['observation']): string {
  return observation.kind === 'run' ? observation.run.id : observation.job.runId;
}

type OpenRow = Pick<WebhookDeliveryRow, 'id' | 'event' | 'run_id' | 'observation' | 'tries'>;

/** Also those that told of a run before an attempt of ours knew that it had started it. */
async function listOpen(
  { read }: Database,
  forgeId: string,
  limit: number,
): Promise<OpenDelivery[]> {
  const { rows } = await sql<OpenRow>`
    select * from (
      select id, event, run_id, observation, tries, received_at from webhook_deliveries
      where forge_id = ${forgeId} and processed_at is null
      order by received_at, id limit ${limit}
    ) as fresh
    union all
    select * from (
      select d.id, d.event, d.run_id, d.observation, d.tries, d.received_at
      from attempts a
      join webhook_deliveries d on d.forge_id = a.forge_id and d.run_id = a.run_id
      where a.forge_id = ${forgeId} and a.ended_at is null and a.run_id is not null
        and d.is_unowned = 1
      order by d.received_at, d.id limit ${limit}
    ) as late
    order by received_at, id
  `.execute(read);
  return rows.map(({ id, event, run_id: runId, observation, tries }) => {
    return { forgeId, id, event, runId, observation, tries };
  });
}

async function take(
  database: Database,
  fence: Fence,
  deliveries: readonly OpenDelivery[],
  lateRunMs: number,
): Promise<void> {
  await database.write(async (tx) => {
    if (!(await holdsLease(tx, database, fence))) return;
    for (const { forgeId, id, observation } of deliveries) {
      // Written by `add`: its shape is known.
      const seen = JSON.parse(observation) as NewDelivery['observation'];
      const isOwned = await applyObservation(tx, forgeId, seen, lateRunMs);
      await finish(tx, forgeId, id, { is_unowned: isOwned ? 0 : 1 });
    }
  });
}

async function finish(
  { db, now }: WriteTx,
  forgeId: string,
  id: string,
  set: Partial<Pick<WebhookDeliveryRow, 'is_unowned' | 'tries' | 'failure'>>,
): Promise<void> {
  await db
    .updateTable('webhook_deliveries')
    .set({ ...set, processed_at: now })
    .where('forge_id', '=', forgeId)
    .where('id', '=', id)
    .execute();
}

async function recordFailure(
  database: Database,
  fence: Fence,
  { forgeId, id, tries }: OpenDelivery,
  { message, mostTries }: { readonly message: string; readonly mostTries: number },
): Promise<boolean> {
  const isGivenUp = tries + 1 >= mostTries;
  await database.write(async (tx) => {
    if (!(await holdsLease(tx, database, fence))) return;
    const set = { tries: tries + 1, failure: message };
    await tx.db
      .updateTable('webhook_deliveries')
      .set(isGivenUp ? { ...set, is_unowned: 0, processed_at: tx.now } : set)
      .where('forge_id', '=', forgeId)
      .where('id', '=', id)
      .execute();
  });
  return isGivenUp;
}

/** Clocks of replicas differ a little. */
const CLOCKS_APART_MS = 5_000;

/** What was received at a time that is yet to come says nothing of now: our clock was put back. */
async function findFlow({ read, clock }: Database, forgeId: string): Promise<StoredFlow> {
  const flow = await read
    .selectFrom('forges')
    .where('id', '=', forgeId)
    .select([
      'webhooks_missed_since as missedSince',
      'webhook_missed_at as missedAt',
      (eb) =>
        eb
          .selectFrom('webhook_deliveries as d')
          .where('d.forge_id', '=', forgeId)
          .where('d.received_at', '<=', clock.now() + CLOCKS_APART_MS)
          .select('d.received_at')
          .orderBy('d.received_at', 'desc')
          .limit(1)
          .as('receivedAt'),
    ])
    .executeTakeFirst();
  return flow ?? { receivedAt: null, missedSince: null, missedAt: null };
}

/** Not a state: it only bears on how often the forge is asked. */
async function recordMiss({ db, now }: WriteTx, forgeId: string, spellMs: number): Promise<void> {
  await db
    .updateTable('forges')
    .set({
      webhooks_missed_since: sql<number>`case
        when webhook_missed_at > ${now - spellMs} then webhooks_missed_since
        when webhook_missed_at is not null and not exists (
          select 1 from webhook_deliveries d
          where d.forge_id = forges.id and d.received_at > webhook_missed_at
        ) then webhooks_missed_since
        else ${now} end`,
      webhook_missed_at: now,
    })
    .where('id', '=', forgeId)
    .execute();
}
