import { type SqlBool, sql } from 'kysely';

const ofRun = sql`w.forge_id = attempts.forge_id and w.run_id = attempts.run_id and w.run_attempt = 1`;

/** A runner of the run was seen free later than the run was looked into. */
const hasFreedRunner = sql<SqlBool>`exists (
  select 1 from run_workflow_jobs w
  join runners r
    on r.forge_id = w.forge_id and r.forge_runner_id = w.runner_id and r.name = w.runner_name
  where ${ofRun} and w.status = 'in_progress' and r.is_busy = 0 and r.observed_at > w.observed_at
)`;

/**
 * A runner of the run has started something else since: a runner does one workflow job at a time, so that part of the
 * run is over, and nothing reported that.
 */
const hasLostRunner = sql<SqlBool>`exists (
  select 1 from run_workflow_jobs w
  join run_workflow_jobs later
    on later.forge_id = w.forge_id and later.runner_id = w.runner_id and later.started_at > w.started_at
  where ${ofRun} and w.status = 'in_progress' and later.runner_name = w.runner_name
)`;

/** All workflow jobs that it has shown so far are over. */
const hasNothingOpen = sql<SqlBool>`exists (select 1 from run_workflow_jobs w where ${ofRun})
  and not exists (select 1 from run_workflow_jobs w where ${ofRun} and w.status <> 'completed')`;

/**
 * Of a row of `attempts`: either its run is over, or its next workflow job (one with `needs`) is about to take the
 * runner that the last one has left. Nobody knows before the next look at the run.
 */
export const awaitsNextJob = sql<SqlBool>`attempts.ended_at is null
  and (${hasFreedRunner} or (${hasNothingOpen}))`;

/**
 * Of a row of `attempts`: its run has to be looked into to know what follows. More than those between workflow jobs:
 * who has lost a runner to another run leaves none that could be kept for it.
 */
export const isToBeChecked = sql<SqlBool>`(${awaitsNextJob}
  or (attempts.ended_at is null and ${hasLostRunner}))`;
