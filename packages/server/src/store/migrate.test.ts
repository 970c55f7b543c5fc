import { sql } from 'kysely';
import { afterEach, describe, expect, it } from 'vitest';
import { databases, StoreClock, silentLogger } from './databases.testkit.ts';
import type { OpenedDatabase } from './engine/opened-database.ts';
import { openPostgres } from './engine/postgres/postgres.ts';
import { openSqlite } from './engine/sqlite/sqlite.ts';
import { migrate, migrations } from './migrate.ts';
import type { Migration } from './migrations/migration.ts';
import type { StoreConfig } from './open-store.ts';

const one: Migration = {
  number: 1,
  name: 'one',
  kind: 'expand',
  statements: ['create table a (seq {seq}, text text not null)', 'create index a_text on a (text)'],
};
const two: Migration = {
  ...one,
  number: 2,
  name: 'two',
  statements: ['create table b (n integer)'],
};

function connect(config: StoreConfig): Promise<OpenedDatabase> {
  const deps = { clock: new StoreClock(), origin: 'o', logger: silentLogger };
  return config.driver === 'sqlite'
    ? openSqlite({ path: config.path, ...deps })
    : openPostgres({ config, ...deps });
}

for (const kind of databases) {
  describe(`migrations on ${kind.name}`, () => {
    const releasers: (() => Promise<void>)[] = [];
    afterEach(async () => {
      for (const release of releasers.splice(0).reverse()) await release();
    });
    const open = async (config: StoreConfig) => {
      const opened = await connect(config);
      releasers.push(() => opened.database.close());
      return opened;
    };
    const openNew = async () => {
      const { config, remove } = await kind.create();
      releasers.push(remove);
      return { opened: await open(config), config };
    };
    const listTables = async ({ database }: OpenedDatabase) => {
      const tables = await database.read.introspection.getTables();
      return tables.map((table) => table.name).sort();
    };

    it('are applied once each, in order', async () => {
      const { opened } = await openNew();
      expect(await migrate(opened, [one])).toEqual(['1-one']);
      expect(await migrate(opened, [one, two])).toEqual(['2-two']);
      expect(await migrate(opened, [one, two])).toEqual([]);
      expect(await listTables(opened)).toEqual(['a', 'b', 'schema_migrations']);
      const rows = await opened.database.read
        .selectFrom('schema_migrations')
        .select(['number', 'name', 'kind', 'applied_at'])
        .orderBy('number')
        .execute();
      const applied_at = opened.database.clock.now();
      expect(rows).toEqual([
        { number: 1, name: 'one', kind: 'expand', applied_at },
        { number: 2, name: 'two', kind: 'expand', applied_at },
      ]);
    });

    it('give keys that never come again', async () => {
      const { opened } = await openNew();
      await migrate(opened, [one]);
      const add = () =>
        opened.database.write(async ({ db }) => {
          const { rows } = await sql<{ seq: number }>`
            insert into a (text) values ('x') returning seq
          `.execute(db);
          await sql`delete from a`.execute(db);
          return rows[0]!.seq;
        });
      const first = await add();
      expect(await add()).toBeGreaterThan(first);
    });

    it('leave nothing behind when one fails, and the ones before it stay', async () => {
      const { opened } = await openNew();
      const broken = { ...two, statements: [...two.statements, 'create nonsense'] };
      await expect(migrate(opened, [one, broken])).rejects.toThrow();
      expect(await listTables(opened)).toEqual(['a', 'schema_migrations']);
      expect(await migrate(opened, [one, two])).toEqual(['2-two']);
    });

    it('refuse a database whose migration was altered since', async () => {
      const { opened } = await openNew();
      await migrate(opened, [one]);
      const altered = { ...one, statements: ['create table other (n integer)'] };
      await expect(migrate(opened, [altered])).rejects.toMatchObject({
        code: 'schema',
        message: expect.stringContaining('migration 1 (one)'),
      });
    });

    it('let an older version work on a newer schema until it was contracted', async () => {
      const { opened } = await openNew();
      await migrate(opened, [one, two]);
      expect(await migrate(opened, [one])).toEqual([]);
      await migrate(opened, [one, two, { ...two, number: 3, kind: 'contract', statements: [] }]);
      await expect(migrate(opened, [one])).rejects.toMatchObject({
        code: 'schema',
        message: expect.stringContaining('newer dispatchoor (migration 3, two)'),
      });
    });

    it('refuse a database of the Go program, and leave it as it is', async () => {
      const { opened } = await openNew();
      await opened.changeSchema(async (tx) => {
        await sql`create table job_templates (id text primary key)`.execute(tx);
        await sql`create table groups (id text primary key)`.execute(tx);
      });
      await expect(migrate(opened)).rejects.toThrow(
        /of the Go dispatchoor.*database\.sqlite\.path/,
      );
      expect(await listTables(opened)).toEqual(['groups', 'job_templates']);
    });

    it('refuse to go back and fill a gap', async () => {
      const { opened } = await openNew();
      await migrate(opened, [two]);
      await expect(migrate(opened, [one, two])).rejects.toMatchObject({ code: 'schema' });
    });

    it('are applied by one of the processes that start together', async () => {
      const { opened, config } = await openNew();
      const others =
        kind.name === 'sqlite' ? [opened, opened] : [await open(config), await open(config)];
      const applied = await Promise.all([opened, ...others].map((each) => migrate(each)));
      const names = migrations.map((each) => `${each.number}-${each.name}`);
      expect(applied.flat().sort()).toEqual(names);
    });
  });
}

it('migrations are numbered from 1 without gaps', () => {
  expect(migrations.map((each) => each.number)).toEqual(migrations.map((_, i) => i + 1));
});
