import { DatabaseSync } from 'node:sqlite';
import { z } from 'zod';
import type { Bench } from './bench.ts';
import { copyFilled, deepGroup, groupsOf } from './depth.ts';
import { waitFor } from './lib/clock.ts';
import { withPair } from './pair.ts';
import { type DatabaseSection, templateId } from './setting.ts';

/** Between the ends of two old jobs: a million of them reach 23 days back, which the server keeps. */
const EVERY_MS = 2_000;

/**
 * A database with `pending` jobs and a long past. One job is really run to its end; its rows (the job, its attempt,
 * all its events) are then multiplied in the stopped server's file.
 */
export async function copyWithHistory(
  bench: Bench,
  { pending, ended }: { readonly pending: number; readonly ended: number },
): Promise<{ file: string; section: DatabaseSection }> {
  const copy = await copyFilled(bench, pending);
  const jobId = await runOne(bench, copy.section);
  const database = new DatabaseSync(copy.file);
  try {
    database.exec(`pragma synchronous = off; pragma cache_size = -${CACHE_KB}`);
    database.exec('begin');
    multiply(database, jobId, ended);
    database.exec('commit');
    database.exec('pragma wal_checkpoint(truncate)');
  } finally {
    database.close();
  }
  return copy;
}

/** Events are kept for a week of those three. */
const SHARE_OF_EVENTS = 0.3;
/** In kB: a million entries into each index, most of which should stay in memory meanwhile. */
const CACHE_KB = 500_000;

/** Ahead of everybody, on the only runner. */
async function runOne(bench: Bench, database: DatabaseSection): Promise<string> {
  const setup = { groups: groupsOf(bench), runners: 1, jobMs: 100 };
  const intervals = { poll: '200ms', track: '200ms' };
  return withPair(bench, { name: 'history', setup, database, intervals }, async ({ server }) => {
    const { id } = await server.api.addJob(deepGroup, {
      template_id: templateId(0),
      priority: 100,
    });
    await waitFor('one job is completed', async () => {
      const found = await server.api.findJob(id);
      return found?.status === 'completed' ? true : undefined;
    });
    return id;
  });
}

/** What is different in each copy, by column, as SQL of the original's row `o` and the copy's number `n`. */
type Own = Readonly<Record<string, string>>;

const copyId = (prefix: string): string => `printf('${prefix}-0000-7000-8000-%012d', n)`;
const earlier = (column: string): string => `o.${column} - n * ${EVERY_MS}`;

function multiply(database: DatabaseSync, jobId: string, copies: number): void {
  const attemptId = textOf(database, 'select attempt_id as value from jobs where id = ?', jobId);
  const times = (...columns: string[]): Own =>
    Object.fromEntries(columns.map((column) => [column, earlier(column)]));
  const runId = `cast(900000000000 + n as text)`;
  const job = {
    ...{ id: copyId('01900000'), attempt_id: copyId('01910000'), run_id: runId },
    ...{ number: '-n', ...times('triggered_at', 'started_at', 'completed_at') },
    ...times('created_at', 'updated_at'),
  };
  const attempt = {
    ...{ id: copyId('01910000'), job_id: copyId('01900000'), run_id: runId },
    ...times('claimed_at', 'ended_at'),
  };
  const event = { seq: 'null', subject_id: `o.subject_id || '-' || n`, ...times('at') };
  copyRows(database, { table: 'jobs', where: 'o.id = ?', own: job, copies }, jobId);
  copyRows(database, { table: 'attempts', where: 'o.id = ?', own: attempt, copies }, attemptId);
  copyRows(
    database,
    {
      table: 'events',
      where: 'o.subject_id = ?',
      own: event,
      copies: Math.ceil(copies * SHARE_OF_EVENTS),
    },
    jobId,
  );
  const { changes } = database
    .prepare(
      `update job_counts set n = n + ? where state = 'completed'
        and (group_id, template_id) = (select group_id, template_id from jobs where id = ?)`,
    )
    .run(copies, jobId);
  if (changes !== 1) throw new Error('job_counts has no line for the job that was multiplied');
}

interface Copying {
  readonly table: string;
  readonly where: string;
  readonly own: Own;
  readonly copies: number;
}

function copyRows(
  database: DatabaseSync,
  { table, where, own, copies }: Copying,
  id: string,
): void {
  const columns = database
    .prepare(`select name as value from pragma_table_info('${table}')`)
    .all()
    .map((row) => String(row['value']));
  const values = columns.map((column) => own[column] ?? `o."${column}"`);
  const names = columns.map((column) => `"${column}"`).join(', ');
  database
    .prepare(
      `with recursive copy (n) as (select 1 union all select n + 1 from copy where n < ${copies})
        insert into ${table} (${names}) select ${values.join(', ')} from copy cross join ${table} o where ${where}`,
    )
    .run(id);
}

function textOf(database: DatabaseSync, query: string, id: string): string {
  return z.object({ value: z.string() }).parse({ ...database.prepare(query).get(id) }).value;
}
