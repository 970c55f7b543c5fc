/** What webhooks have reported runs, for whoever cannot find them in a listing. */
import { type SqlBool, sql } from 'kysely';
import type { Run } from '../../domain/attempt.ts';
import { isFurther } from '../../domain/webhook.ts';
import { makeYield } from '../../lib/yield.ts';
import type { Database } from '../database.ts';
import type { DeliveredSince, NewDelivery } from '../port/webhooks.ts';
import type { WebhookDeliveryRow } from '../schema.ts';

/** An organisation may deliver thousands in the minutes of a look: so many at a time keep the thread for a few milliseconds. */
const ROWS_PER_READ = 250;

type DeliveredRun = Extract<NewDelivery['observation'], { kind: 'run' }>;

/** @returns see `WebhookStore` */
export async function listDeliveredRuns(
  database: Database,
  forgeId: string,
  { owner, repo, receivedSince, mostDeliveries = Infinity }: DeliveredSince,
): Promise<Run[]> {
  const yieldNow = makeYield(database.clock);
  const delivered = new Map<string, DeliveredRun>();
  let last: DeliveryPlace | undefined;
  let left = mostDeliveries;
  while (left > 0) {
    await yieldNow();
    const limit = Math.min(ROWS_PER_READ, left);
    const rows = await listBefore(database, { forgeId, receivedSince, last, limit });
    for (const { observation } of rows) {
      // Written by `add`: its shape is known.
      const seen = JSON.parse(observation) as NewDelivery['observation'];
      if (isMeant(seen, owner, repo)) keepFurthest(delivered, seen);
    }
    last = rows.at(-1);
    left = rows.length < limit ? 0 : left - limit;
  }
  return [...delivered.values()].map(({ run }) => run);
}

type DeliveryPlace = Pick<WebhookDeliveryRow, 'id' | 'received_at'>;

interface PageAsked {
  readonly forgeId: string;
  readonly receivedSince: number;
  readonly last: DeliveryPlace | undefined;
  readonly limit: number;
}

/** By the index `webhook_deliveries_last`, newest first. */
function listBefore({ read }: Database, { forgeId, receivedSince, last, limit }: PageAsked) {
  return read
    .selectFrom('webhook_deliveries')
    .select(['id', 'received_at', 'observation'])
    .where('forge_id', '=', forgeId)
    .where('received_at', '>=', receivedSince)
    .$if(last !== undefined, (query) =>
      query.where(sql<SqlBool>`(received_at, id) < (${last?.received_at ?? 0}, ${last?.id ?? ''})`),
    )
    .orderBy('received_at', 'desc')
    .orderBy('id', 'desc')
    .limit(limit)
    .execute();
}

function isMeant(
  seen: NewDelivery['observation'],
  owner: string,
  repo: string,
): seen is DeliveredRun {
  if (seen.kind !== 'run' || seen.run.event !== 'workflow_dispatch') return false;
  return isSame(seen.owner, owner) && isSame(seen.repo, repo);
}

function isSame(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}

/** Deliveries overtake each other. What was started again is further on than its first attempt. */
function keepFurthest(delivered: Map<string, DeliveredRun>, seen: DeliveredRun): void {
  const known = delivered.get(seen.run.id);
  if (known === undefined || isLater(known, seen)) delivered.set(seen.run.id, seen);
}

function isLater({ run: known, at: knownAt }: DeliveredRun, { run, at }: DeliveredRun): boolean {
  if (run.attempt !== known.attempt) return run.attempt > known.attempt;
  return isFurther({ status: known.status, at: knownAt }, { status: run.status, at });
}
