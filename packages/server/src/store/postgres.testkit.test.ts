import pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { createDatabase, type PostgresServer, startPostgres } from './postgres.testkit.ts';

async function ask(url: string, sql: string): Promise<unknown> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    const reply = await client.query<Record<string, unknown>>(sql);
    return Object.values(reply.rows[0] ?? {})[0];
  } finally {
    await client.end();
  }
}

describe('the PostgreSQL of this run', () => {
  it('gives each suite a database of its own', async () => {
    const one = await createDatabase(inject('postgres'));
    const other = await createDatabase(inject('postgres'));
    await ask(one.url, 'create table only_here (id int)');
    await expect(ask(other.url, 'select id from only_here')).rejects.toThrow('does not exist');
    expect(await ask(other.url, 'select current_database()')).toBe(other.database);
  });

  it('copies a database that is named as template', async () => {
    const template = await createDatabase(inject('postgres'));
    await ask(template.url, 'create table made_once as select 7 as n');
    const copy = await createDatabase(inject('postgres'), { template: template.database });
    expect(await ask(copy.url, 'select n from made_once')).toBe(7);
  });

  it('reports a commit only when it is durable, as production does', async () => {
    const { url } = await createDatabase(inject('postgres'));
    expect(await ask(url, 'show synchronous_commit')).toBe('on');
  });
});

describe('a PostgreSQL that a test owns', () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(() => server.stop());

  it.each(['shutdown', 'crash'] as const)('keeps committed rows over a %s', async (how) => {
    const { url } = await server.createDatabase();
    await ask(url, 'create table kept as select 1 as n');
    await server.restart(how);
    expect(await ask(url, 'select n from kept')).toBe(1);
  });
});
