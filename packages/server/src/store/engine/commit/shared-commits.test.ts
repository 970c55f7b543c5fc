import { Kysely, SqliteDialect, sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Clock } from '../../../lib/clock.ts';
import { systemClock } from '../../../lib/clock.ts';
import { yieldToOthers } from '../../../lib/yield.ts';
import type { WriteTx } from '../../database.ts';
import { insertRows } from '../../insert-rows.ts';
import type { Schema } from '../../schema.ts';
import { SqliteFile } from '../sqlite/file.ts';
import type { WriteSource } from './commits.ts';
import { SharedCommits } from './shared-commits.ts';

const TABLES = `
  create table forges (id text primary key, kind text not null, created_at integer not null);
  create table templates (id text primary key references forges (id));
  create table job_counts (group_id text, template_id text, state text, n integer,
    primary key (group_id, template_id, state));
  create table events (seq integer primary key, at integer, origin text, kind text, subject_type text,
    subject_id text, group_id text, forge_id text, actor text, is_audit integer, data text)`;

describe('writes that share a commit', () => {
  let elapsedMs = 0;
  const clock: Clock = { ...systemClock, monotonic: () => elapsedMs };
  let file: SqliteFile;
  let db: Kysely<Schema>;
  let commits: SharedCommits;
  let committed: number;
  let isDiskFaulty: boolean;

  beforeEach(() => {
    file = new SqliteFile(':memory:', { isReadOnly: false, busyTimeoutMs: 0 });
    file.exec(TABLES);
    db = new Kysely<Schema>({ dialect: new SqliteDialect({ database: file }) });
    committed = 0;
    isDiskFaulty = false;
    const source: WriteSource = {
      begin: () => db.startTransaction().execute(),
      insertEvents: (tx, events) => insertRows(tx, 'events', events),
      findRetryDelay: () => undefined,
      mayHaveCommitted: () => isDiskFaulty,
    };
    const onCommitted = (): void => {
      committed += 1;
    };
    commits = new SharedCommits({ source, clock, origin: 'o', onCommitted });
  });
  afterEach(() => {
    file.close();
  });

  const write = (work: (tx: WriteTx) => Promise<unknown>, isLong = false): Promise<unknown> =>
    commits.run(work, { isLong });
  const add = async (tx: WriteTx, id: string): Promise<string> => {
    await tx.db.insertInto('forges').values({ id, kind: 'x', created_at: tx.now }).execute();
    tx.count({ groupId: 'g', templateId: null, state: 'pending' }, 1);
    tx.emit({
      ...{ kind: 'job.enqueued', subjectType: 'job', subjectId: id, groupId: 'g' },
      ...{ forgeId: null, actor: 'a', isAudit: false, data: {} },
    });
    return id;
  };
  /** Passes all its own statements, and is refused by the commit. */
  const addOrphan = async ({ db: trx }: WriteTx): Promise<void> => {
    await sql`pragma defer_foreign_keys = on`.execute(trx);
    await sql`insert into templates (id) values ('nobody')`.execute(trx);
  };
  const ids = async (): Promise<string[]> => {
    const rows = await db.selectFrom('forges').select('id').orderBy('id').execute();
    return rows.map(({ id }) => id);
  };
  const events = async (): Promise<string[]> => {
    const rows = await db.selectFrom('events').select('subject_id').orderBy('seq').execute();
    return rows.map((row) => row.subject_id);
  };
  const count = async (): Promise<number> =>
    (await db.selectFrom('job_counts').select('n').executeTakeFirst())?.n ?? 0;

  it('are on the disk with one commit, their events in the order in which they were asked for', async () => {
    const names = ['c', 'a', 'b'];
    expect(await Promise.all(names.map((id) => write((tx) => add(tx, id))))).toEqual(names);
    expect(committed).toBe(1);
    expect(await events()).toEqual(names);
    expect(await count()).toBe(3);
  });

  it('are told of their success only when the commit is done', async () => {
    const emitted: string[] = [];
    const first = write((tx) => add(tx, 'a')).then(() => emitted.push('a'));
    const second = write(async (tx) => {
      await add(tx, 'b');
      await new Promise((resolve) => setImmediate(resolve));
      expect(emitted).toEqual([]);
    });
    await Promise.all([first, second]);
    expect(emitted).toEqual(['a']);
  });

  it('fail alone: nothing of the one that failed is kept, everything of the others', async () => {
    const failing = write(async (tx) => {
      await add(tx, 'b');
      throw new Error('mine');
    });
    const [a, b, c] = await Promise.allSettled([
      write((tx) => add(tx, 'a')),
      failing,
      write((tx) => add(tx, 'c')),
    ]);
    expect([a.status, c.status]).toEqual(['fulfilled', 'fulfilled']);
    expect(b).toMatchObject({ reason: { message: 'mine' } });
    expect(await ids()).toEqual(['a', 'c']);
    expect(await events()).toEqual(['a', 'c']);
    expect(await count()).toBe(2);
  });

  it('leave nothing behind when all fail, and the next one is served', async () => {
    const failing = (): Promise<unknown> => write(() => Promise.reject(new Error('mine')));
    await Promise.allSettled([failing(), failing()]);
    expect(committed).toBe(0);
    expect(await write((tx) => add(tx, 'a'))).toBe('a');
  });

  it('are done anew, each alone, when the commit is refused: only who broke it is told so', async () => {
    const [a, orphan, c] = await Promise.allSettled([
      write((tx) => add(tx, 'a')),
      write(addOrphan),
      write((tx) => add(tx, 'c')),
    ]);
    expect([a.status, orphan.status, c.status]).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(await ids()).toEqual(['a', 'c']);
    expect(await events()).toEqual(['a', 'c']);
    expect(await count()).toBe(2);
  });

  it('are done anew when the database drops the transaction under one of them', async () => {
    const [a, dropped, c] = await Promise.allSettled([
      write((tx) => add(tx, 'a')),
      write(async ({ db: trx }) => {
        await sql`rollback`.execute(trx);
        throw new Error('disk full');
      }),
      write((tx) => add(tx, 'c')),
    ]);
    expect(dropped).toMatchObject({ reason: { message: 'disk full' } });
    expect([a.status, c.status]).toEqual(['fulfilled', 'fulfilled']);
    expect(await ids()).toEqual(['a', 'c']);
    expect(await count()).toBe(2);
  });

  it('all have an unknown outcome when nobody knows what became of the commit', async () => {
    isDiskFaulty = true;
    const outcomes = await Promise.allSettled([write((tx) => add(tx, 'a')), write(addOrphan)]);
    for (const outcome of outcomes) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'outcome-unknown' } });
    }
    // Somebody may be waiting for what is in the database now.
    expect(committed).toBe(1);
  });

  it('do not wait with their commit for a long one', async () => {
    const mayEnd = Promise.withResolvers<null>();
    const a = write((tx) => add(tx, 'a'));
    const long = write(async (tx) => {
      await mayEnd.promise;
      return add(tx, 'long');
    }, true);
    const b = write((tx) => add(tx, 'b'));
    await a;
    expect(committed).toBe(1);
    mayEnd.resolve(null);
    await Promise.all([long, b]);
    expect(committed).toBe(3);
    expect(await events()).toEqual(['a', 'long', 'b']);
  });

  it('are no more than a part of a burst', async () => {
    await Promise.all(Array.from({ length: 200 }, (_, id) => write((tx) => add(tx, `${id}`))));
    expect(committed).toBe(7);
    expect(await count()).toBe(200);
  });

  it('let others have their turn between slow ones', async () => {
    const order: string[] = [];
    const addSlowly = (tx: WriteTx, id: string): Promise<string> => {
      elapsedMs += 4;
      order.push('write');
      return add(tx, id);
    };
    const others = async (): Promise<void> => {
      for (let turn = 0; turn < 20; turn += 1) {
        await yieldToOthers();
        order.push('other');
      }
    };
    const writes = ['a', 'b', 'c'].map((id) => write((tx) => addSlowly(tx, id)));
    await Promise.all([...writes, others()]);
    const middle = order.slice(order.indexOf('write') + 1, order.lastIndexOf('write'));
    expect(middle.filter((one) => one === 'other').length).toBeGreaterThanOrEqual(2);
    expect(committed).toBe(1);
  });
});
