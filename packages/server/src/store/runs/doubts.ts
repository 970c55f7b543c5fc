/** Sendings whose runs are not known yet and will be told by their time alone: see `Doubt` of the domain. */
import { type Kysely, type RawBuilder, type SqlBool, sql } from 'kysely';
import type { Doubt } from '../../domain/doubt.ts';
import type { AttemptRow, Schema } from '../schema.ts';
import { isOfUnnamedTarget } from './naming.ts';

/** Word for word the condition of the index `attempts_in_doubt`. */
export const MAY_BE_IN_DOUBT = sql<SqlBool>`is_named = 0 and state <> 'refused' and (run_id is null or (state = 'found' and matched_by = 'order'))`;

export interface DoubtQuery {
  readonly forgeId: string;
  /** How long after its send deadline an attempt may still get a run; milliseconds. */
  readonly runMadeWithinMs: number;
  /** How long after its send deadline it cannot be ruled out that a run is an attempt's own; milliseconds. */
  readonly runMayBeMadeWithinMs: number;
}

/**
 * While they last: until its run is known, it surely started nothing, or a run made from now on cannot be its own. That
 * a listing has shown, by the forge's own clock; of one that was given up, or given a run by its time after a lost answer,
 * which may be another's, the database's clock says it.
 */
export async function listDoubts(
  db: Kysely<Schema>,
  { forgeId, runMadeWithinMs }: Omit<DoubtQuery, 'runMayBeMadeWithinMs'>,
  dbNow: RawBuilder<number>,
): Promise<Doubt[]> {
  // Twice: what is sent next knows the forge's clock no better.
  const afterDeadline = sql<number>`2 * forge_uncertainty_ms + ${sql.lit(runMadeWithinMs)}`;
  const lasts = sql<SqlBool>`case when ended_at is null and run_id is null
    then coalesce(missing_at, 0) <= forge_send_deadline + ${afterDeadline}
    else ${dbNow} <= send_deadline + ${afterDeadline} end`;
  return readDoubts(db, forgeId, sql<SqlBool>`${MAY_BE_IN_DOUBT} and ${lasts}`);
}

/**
 * Sent to be known by their id, before runs of their workflow showed that they do not bear it: each takes what is made as long as it is
 * looked for from one that is told by its time. Of a few workflows, if any: not to be asked where none is known to be so.
 */
export async function listLostNames(
  db: Kysely<Schema>,
  { forgeId, runMayBeMadeWithinMs }: Omit<DoubtQuery, 'runMadeWithinMs'>,
  dbNow: RawBuilder<number>,
): Promise<Doubt[]> {
  const within = sql<number>`2 * forge_uncertainty_ms + ${sql.lit(runMayBeMadeWithinMs)}`;
  const open = await readLostNames(db, forgeId, sql<SqlBool>`ended_at is null`);
  const ended = await readLostNames(
    db,
    forgeId,
    sql<SqlBool>`ended_at is not null and ${dbNow} <= send_deadline + ${within}`,
  );
  return [...open, ...ended];
}

/** Those that may still turn out to last, whatever the time: for saying what a job waits for. */
export async function listOpenDoubts(db: Kysely<Schema>, forgeId: string): Promise<Doubt[]> {
  const isOpen = sql<SqlBool>`ended_at is null`;
  const byTime = await readDoubts(
    db,
    forgeId,
    sql<SqlBool>`${MAY_BE_IN_DOUBT} and ${isOpen} and run_id is null`,
  );
  return [...byTime, ...(await readLostNames(db, forgeId, isOpen))];
}

async function readLostNames(
  db: Kysely<Schema>,
  forgeId: string,
  isMeant: RawBuilder<SqlBool>,
): Promise<Doubt[]> {
  const doubts = await readDoubts(
    db,
    forgeId,
    sql<SqlBool>`is_named = 1 and run_id is null and state <> 'refused' and ${isMeant}
      and ${isOfUnnamedTarget}`,
  );
  // Which of two runs is whose an id was to tell, whatever the inputs: none is like it.
  return doubts.map((doubt) => ({ ...doubt, inputsHash: '' }));
}

async function readDoubts(
  db: Kysely<Schema>,
  forgeId: string,
  isMeant: RawBuilder<SqlBool>,
): Promise<Doubt[]> {
  const rows = await db
    .selectFrom('attempts')
    .select(['job_id', 'owner', 'repo', 'workflow_id', 'ref', 'inputs_hash', 'claimed_at'])
    .where('forge_id', '=', forgeId)
    .where(isMeant)
    // By it SQLite chooses the index.
    .orderBy('claimed_at')
    .execute();
  return rows.map(doubtOf);
}

type DoubtRow = Pick<
  AttemptRow,
  'job_id' | 'owner' | 'repo' | 'workflow_id' | 'ref' | 'inputs_hash' | 'claimed_at'
>;

function doubtOf({
  job_id,
  owner,
  repo,
  workflow_id,
  ref,
  inputs_hash,
  claimed_at,
}: DoubtRow): Doubt {
  const target = { owner, repo, workflowId: workflow_id, ref };
  return { ...target, jobId: job_id, inputsHash: inputs_hash, claimedAt: claimed_at };
}
