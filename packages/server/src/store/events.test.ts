import fc from 'fast-check';
import { sql } from 'kysely';
import pg from 'pg';
import { describe, expect, inject, it } from 'vitest';
import type { NewEvent } from '../domain/event.ts';
import { yieldToOthers } from '../lib/yield.ts';
import type { Database } from './database.ts';
import { databases, useDatabase } from './databases.testkit.ts';
import { makeEventStore } from './events.ts';

function event(subjectId: string): NewEvent {
  return {
    kind: 'job.enqueued',
    subjectType: 'job',
    subjectId,
    groupId: 'g',
    forgeId: 'f',
    actor: 'alice',
    isAudit: false,
    data: { nested: { n: 1 } },
  };
}

const emit = (database: Database, ...ids: string[]) =>
  database.write(async (tx) => {
    for (const id of ids) tx.emit(event(id));
  });

for (const kind of databases) {
  describe(`events on ${kind.name}`, () => {
    const at = useDatabase(kind);
    const events = () => makeEventStore(at.database);
    const subjects = async (seq: number, limit = 1_000) =>
      (await events().listAfter(seq, limit)).map((each) => each.subjectId);

    it('come back as they were told, with who wrote them and when', async () => {
      const before = await events().lastSeq();
      await emit(at.database, 'a');
      const [emitted] = await events().listAfter(before, 10);
      expect(emitted).toEqual({
        ...event('a'),
        seq: expect.any(Number),
        at: at.clock.now(),
        origin: 'one',
      });
      expect(await events().lastSeq()).toBe(emitted!.seq);
    });

    it('come back whatever their texts are: those of a write go to the database as one list', async () => {
      const texts = ['', 'null', '{a,b}', '"quoted"', "it's", 'back\\slash', 'a\nb', 'é, 🚀'];
      const odd = texts.map((text) => ({ ...event(text), actor: text, data: { text } }));
      const nobodys = { ...event('of no group'), groupId: null, forgeId: null, isAudit: true };
      const all = [...odd, nobodys];
      await at.database.write(async (tx) => {
        for (const one of all) tx.emit(one);
      });
      const emitted = await events().listAfter(0, 100);
      expect(emitted).toMatchObject(all);
    });

    it('are listed from any number on, in the order of their telling, a page at a time', async () => {
      await emit(at.database, 'a', 'b', 'c');
      await emit(at.database, 'd');
      expect(await subjects(0)).toEqual(['a', 'b', 'c', 'd']);
      const firstPage = await events().listAfter(0, 3);
      expect(await subjects(firstPage.at(-1)!.seq)).toEqual(['d']);
    });

    it('say 0 for the last number while there is none', async () => {
      expect(await events().lastSeq()).toBe(0);
    });

    it('wake each process that listens, whoever wrote them', async () => {
      const woken = { one: Promise.withResolvers<null>(), other: Promise.withResolvers<null>() };
      const seen: string[] = [];
      const look = async (who: 'one' | 'other', database: Database) => {
        const found = await makeEventStore(database).listAfter(0, 10);
        if (found.length === 0) return;
        seen.push(who);
        woken[who].resolve(null);
      };
      const looks: Promise<void>[] = [];
      const stops = [
        at.database.onCommit(() => looks.push(look('one', at.database))),
        at.replica.onCommit(() => looks.push(look('other', at.replica))),
      ];
      await emit(at.database, 'a');
      await Promise.all([woken.one.promise, woken.other.promise]);
      for (const stop of stops) stop();
      await Promise.all(looks);
      expect(new Set(seen)).toEqual(new Set(['one', 'other']));
    });

    it('are numbered as they commit, whatever the number of writers', async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 2, maxLength: 24 }),
          async (sizes) => {
            const start = await events().lastSeq();
            const seen: number[] = [];
            let from = start;
            // A reader that runs beside the writers must never find later what it has already passed.
            const readOn = async () => {
              const found = await events().listAfter(from, 1_000);
              seen.push(...found.map((each) => each.seq));
              from = found.at(-1)?.seq ?? from;
            };
            const writers = { areDone: false };
            const reading = (async () => {
              while (!writers.areDone) {
                await readOn();
                await yieldToOthers();
              }
            })();
            await Promise.all(
              sizes.map((size, i) => {
                const ids = Array.from({ length: size }, (_, n) => `${i}-${n}`);
                return emit(i % 2 === 0 ? at.database : at.replica, ...ids);
              }),
            );
            writers.areDone = true;
            await reading;
            await readOn();
            const all = (await events().listAfter(start, 1_000)).map((each) => each.seq);
            expect(seen).toEqual(all);
            expect(all).toHaveLength(sizes.reduce((sum, size) => sum + size, 0));
          },
        ),
        { numRuns: 15 },
      );
    });
  });
}

describe('events on postgres, between processes', () => {
  const [, postgres] = databases;
  const at = useDatabase(postgres!);

  it('take their number at the commit: who writes first and commits last comes last', async () => {
    const isWritten = Promise.withResolvers<null>();
    const mayGoOn = Promise.withResolvers<null>();
    const slow = at.replica.write(async (tx) => {
      await tx.db.insertInto('forges').values({ id: 'b', kind: 'x', created_at: 1 }).execute();
      tx.emit(event('b'));
      isWritten.resolve(null);
      await mayGoOn.promise;
    });
    await isWritten.promise;
    await emit(at.database, 'a');
    const store = makeEventStore(at.database);
    const [first] = await store.listAfter(0, 10);
    expect(first?.subjectId).toBe('a');
    mayGoOn.resolve(null);
    await slow;
    const later = await store.listAfter(first!.seq, 10);
    expect(later.map((each) => each.subjectId)).toEqual(['b']);
  });

  it('are not stalled by an open transaction of somebody else', async () => {
    const { socketDir: host, port, user } = inject('postgres');
    const { config } = at;
    const database = config.driver === 'postgres' ? config.database : '';
    const foreign = new pg.Client({ host, port, user, database });
    await foreign.connect();
    try {
      await foreign.query('begin isolation level repeatable read');
      await foreign.query('select txid_current(), count(*) from events');
      await emit(at.database, 'a');
      await emit(at.replica, 'b');
      const found = await makeEventStore(at.replica).listAfter(0, 10);
      expect(found.map((each) => each.subjectId)).toEqual(['a', 'b']);
    } finally {
      await foreign.end();
    }
  });

  it('wake again after the listening connection was cut, and tell to look anew', async () => {
    const woken: (() => void)[] = [];
    const nextWake = () => new Promise<void>((resolve) => woken.push(resolve));
    const connected = nextWake();
    const stop = at.replica.onCommit(() => {
      for (const resolve of woken.splice(0)) resolve();
    });
    await connected;
    const reconnected = nextWake();
    const { rows } = await sql<{ cut: number }>`
      select pg_terminate_backend(pid) as cut from pg_stat_activity
      where datname = current_database() and query ilike 'listen %' and pid <> pg_backend_pid()
    `.execute(at.database.read);
    expect(rows).toEqual([{ cut: 1 }]);
    await reconnected;
    const emitted = nextWake();
    await emit(at.database, 'a');
    await emitted;
    stop();
  });
});
