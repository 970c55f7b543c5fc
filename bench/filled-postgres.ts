import { z } from 'zod';
import type { Bench } from './bench.ts';
import { enqueueMore, groupsOf, quietSetup } from './depth.ts';
import { withPair } from './pair.ts';
import type { DatabaseSection } from './setting.ts';

/** The gap between the ranks of two jobs in line. */
const RANK_GAP = 1_048_576;

/**
 * A PostgreSQL database with so many pending jobs: some added over HTTP, then multiplied in the stopped server's
 * tables, which takes seconds instead of minutes and leaves the same rows.
 */
export async function makeFilledPostgres(bench: Bench, pending: number): Promise<DatabaseSection> {
  const folder = await bench.makeFolder('filled-postgres');
  const section = await bench.makeDatabase('PostgreSQL', folder);
  const database = nameOf(section);
  const groups = groupsOf(bench);
  const options = { name: 'fill-postgres', setup: quietSetup(bench), database: section };
  await withPair(bench, options, (pair) =>
    enqueueMore(bench, pair, { count: groups, unmeasured: 0 }),
  );
  const postgres = await bench.postgres();
  await postgres.query(database, async (client) => {
    const { rows } = await client.query<{ column_name: string }>(
      `select column_name from information_schema.columns
       where table_name = 'jobs' and table_schema = current_schema() order by ordinal_position`,
    );
    const columns = rows.map((row) => row.column_name);
    const copies = Math.ceil(pending / groups) - 1;
    await client.query(multiply(columns), [copies]);
    await client.query(
      `update job_counts c set n = (select count(*) from jobs j
        where j.group_id = c.group_id and j.state = c.state and coalesce(j.template_id, '') = c.template_id)`,
    );
    await client.query(
      `update groups g set next_number = (select coalesce(max(number), 0) + 1 from jobs where group_id = g.id)`,
    );
    await client.query('vacuum analyze');
  });
  return section;
}

/** Every job there is, so many times more: each with an id, a number and a place of its own. */
function multiply(columns: readonly string[]): string {
  const own: Readonly<Record<string, string>> = {
    id: 'gen_random_uuid()::text',
    number: 'j.number + copy',
    rank: `j.rank + copy * ${RANK_GAP}`,
  };
  const values = columns.map((column) => own[column] ?? `j."${column}"`);
  const names = columns.map((column) => `"${column}"`).join(', ');
  return `insert into jobs (${names}) select ${values.join(', ')}
    from jobs j cross join generate_series(1, $1::int) copy`;
}

function nameOf(section: DatabaseSection): string {
  if (section.driver !== 'postgres') throw new Error('this is no PostgreSQL database');
  return z.object({ database: z.string() }).parse(section.postgres).database;
}
