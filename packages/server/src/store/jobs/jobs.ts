import { sql } from 'kysely';
import { yieldToOthers } from '../../lib/yield.ts';
import { chunksOf } from '../chunks.ts';
import type { Database } from '../database.ts';
import type { JobStore, ListedJob, QueueCounts } from '../port/jobs.ts';
import { cancelJob, deleteJob, setPaused, takeTemplateAsNow, takeTemplateByAll } from './change.ts';
import { enqueue } from './enqueue.ts';
import { listHistory } from './history-list.ts';
import { listQueue } from './queue-list.ts';
import { listed } from './queue-place.ts';
import { findWaitFacts } from './wait.ts';

export function makeJobStore(database: Database): JobStore {
  return {
    enqueue: (job, key) => enqueue(database, job, key),
    findJob: (id) => findJob(database, id),
    findJobs: (ids) => findJobs(database, ids),
    listQueue: (groupId, page) => listQueue(database, groupId, page),
    listHistory: (groupId, query) => listHistory(database, groupId, query),
    setPaused: (id, isPaused, actor) => setPaused(database, id, isPaused, actor),
    deleteJob: (id, actor) => deleteJob(database, id, actor),
    cancelJob: (id, actor) => cancelJob(database, id, actor),
    takeTemplate: (id, actor) => takeTemplateAsNow(database, id, actor),
    takeTemplateByAll: (templateId, actor) => takeTemplateByAll(database, templateId, actor),
    countQueue: () => countQueue(database),
    findWaitFacts: (id) => findWaitFacts(database, id),
  };
}

async function findJob({ read }: Database, id: string): Promise<ListedJob | undefined> {
  const row = await read.selectFrom('jobs').selectAll().where('id', '=', id).executeTakeFirst();
  return row === undefined ? undefined : listed(read, row);
}

// A place in line is up to three counts: on SQLite so many jobs take a few milliseconds of the thread.
const JOBS_PER_QUERY = 20;

async function findJobs({ read }: Database, ids: readonly string[]): Promise<ListedJob[]> {
  const found: ListedJob[] = [];
  for (const chunk of chunksOf(ids, JOBS_PER_QUERY)) {
    if (found.length > 0) await yieldToOthers();
    const rows = await read.selectFrom('jobs').selectAll().where('id', 'in', chunk).execute();
    for (const row of rows) found.push(await listed(read, row));
  }
  return found;
}

/** Groups without jobs too, so that a gauge falls to 0 instead of vanishing. */
async function countQueue({ read }: Database): Promise<QueueCounts[]> {
  const { rows } = await sql<QueueCounts>`
    select g.id as "groupId",
      cast(coalesce(sum(case when c.state = 'pending' then c.n end), 0) as bigint) as pending,
      cast(coalesce(sum(case when c.state = 'triggered' then c.n end), 0) as bigint) as triggered,
      cast(coalesce(sum(case when c.state = 'running' then c.n end), 0) as bigint) as running
    from groups g left join job_counts c on c.group_id = g.id
    group by g.id order by g.id
  `.execute(read);
  return rows;
}
