/** Sendings whose runs are not known yet and will be found by their time alone: see `Doubt` of the domain. */
import { type Kysely, type RawBuilder, type SqlBool, sql } from 'kysely';
import type { Doubt } from '../../domain/doubt.ts';
import type { AttemptRow, Schema } from '../schema.ts';
import { isOfUnnamedTarget } from './naming.ts';

/** Word for word the condition of the index `attempts_in_doubt`. */
export const MAY_BE_IN_DOUBT = sql<SqlBool>`is_named = 0 and state <> 'refused' and (run_id is null or (state = 'found' and matched_by = 'order'))`;

export interface DoubtQuery {
  readonly forgeId: string;
  /** How long after its send deadline it cannot be ruled out that a run is an attempt's own; milliseconds. */
  readonly runMayBeMadeWithinMs: number;
}

/**
 * While they last: until its run is known, or listings have shown that it started none and that a run made from then on cannot be its
 * own, by the forge's clock (`noneMayBeMadeAfter`). Of one that was given up as ambiguous, or given a run by its time after a lost
 * answer, which may be another's, the database's clock says it.
 */
export async function listDoubts(
  db: Kysely<Schema>,
  query: DoubtQuery,
  dbNow: RawBuilder<number>,
): Promise<Doubt[]> {
  const lasts = sql<SqlBool>`(ended_at is null and run_id is null
    or state <> 'absent' and ${isRecent(query, dbNow)})`;
  return readDoubts(db, query.forgeId, sql<SqlBool>`${MAY_BE_IN_DOUBT} and ${lasts}`);
}

/** A run that is made now could still be its own. Twice the uncertainty: what is sent next knows the forge's clock no better. */
function isRecent(
  { runMayBeMadeWithinMs }: Pick<DoubtQuery, 'runMayBeMadeWithinMs'>,
  dbNow: RawBuilder<number>,
): RawBuilder<SqlBool> {
  return sql<SqlBool>`${dbNow} <= send_deadline + 2 * forge_uncertainty_ms + ${sql.lit(runMayBeMadeWithinMs)}`;
}

/**
 * Sent to be known by their id, before runs of their workflow showed that they do not bear it: each takes what is made as long as it is
 * looked for from one that is found by its time. Of a few workflows, if any: not to be asked where none is known to be so.
 */
export async function listLostNames(
  db: Kysely<Schema>,
  query: DoubtQuery,
  dbNow: RawBuilder<number>,
): Promise<Doubt[]> {
  const { forgeId } = query;
  const open = await readLostNames(db, forgeId, sql<SqlBool>`ended_at is null`);
  const ended = await readLostNames(
    db,
    forgeId,
    sql<SqlBool>`ended_at is not null and ${isRecent(query, dbNow)}`,
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
