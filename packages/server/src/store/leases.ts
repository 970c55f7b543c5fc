import { sql } from 'kysely';
import type { Database, WriteTx } from './database.ts';
import type { Fence, LeaseStore } from './port/leases.ts';

export function makeLeaseStore(database: Database): LeaseStore {
  return {
    tryAcquire: (name, holder, ttlMs) =>
      database.write((tx) => tryAcquire(tx, database, { name, holder, ttlMs })),
    release: (fence) => database.write((tx) => release(tx, fence)),
    list: () =>
      database.read
        .selectFrom('leases')
        .select(['name', 'holder', 'epoch', 'expires_at as expiresAt'])
        .orderBy('name')
        .execute(),
  };
}

/**
 * True while the lease is held with this epoch, by the database's clock; then it also stays so until `tx` ends.
 * What is written under a lease asks this first, in the same transaction.
 */
export async function holdsLease(
  { db }: Pick<WriteTx, 'db'>,
  { dbNow, forShare }: Pick<Database, 'dbNow' | 'forShare'>,
  fence: Fence,
): Promise<boolean> {
  const { rows } = await sql`
    select epoch from leases
    where name = ${fence.name} and holder = ${fence.holder} and epoch = ${fence.epoch}
      and expires_at > ${dbNow}${forShare}
  `.execute(db);
  return rows.length > 0;
}

/** For a process that is alone with its database: whoever holds a lease is dead. Epochs stay. */
export async function releaseAllLeases({ db }: WriteTx): Promise<void> {
  await db.updateTable('leases').set({ expires_at: 0 }).where('expires_at', '>', 0).execute();
}

interface Wish {
  readonly name: string;
  readonly holder: string;
  readonly ttlMs: number;
}

/** Servers may be configured with leases of different lengths, for a while. */
const LONGEST_OF_OURS = 6;
const LEAST_FAR_MS = 60_000;

/**
 * A lease that ran out is a new one, even for who had it: what was planned under the old one is void. One that lasts far longer than any of
 * ours is of a clock that was put back since; were it believed, no loop would run for as long as that was ahead. Whoever has it is fenced off.
 */
async function tryAcquire(
  { db }: WriteTx,
  { dbNow }: Database,
  { name, holder, ttlMs }: Wish,
): Promise<Fence | undefined> {
  const farMs = Math.max(LONGEST_OF_OURS * ttlMs, LEAST_FAR_MS);
  const { rows } = await sql<{ epoch: number }>`
    insert into leases (name, holder, epoch, expires_at)
    values (${name}, ${holder}, 1, ${dbNow} + ${ttlMs})
    on conflict (name) do update set
      holder = excluded.holder,
      epoch = leases.epoch
        + case when leases.holder = excluded.holder and leases.expires_at > ${dbNow} then 0 else 1 end,
      expires_at = ${dbNow} + ${ttlMs}
    where leases.holder = excluded.holder or leases.expires_at <= ${dbNow}
      or leases.expires_at > ${dbNow} + ${farMs}
    returning epoch
  `.execute(db);
  const [row] = rows;
  return row === undefined ? undefined : { name, holder, epoch: row.epoch };
}

async function release({ db }: WriteTx, fence: Fence): Promise<void> {
  await db
    .updateTable('leases')
    .set({ expires_at: 0 })
    .where('name', '=', fence.name)
    .where('holder', '=', fence.holder)
    .where('epoch', '=', fence.epoch)
    .execute();
}
