import type { ControlledTransaction, Transaction } from 'kysely';
import type { Schema } from '../schema.ts';

/** Ends `tx` with `work`: commits its result, rolls back its error. */
export async function endWith<T>(
  tx: ControlledTransaction<Schema>,
  work: (tx: Transaction<Schema>) => Promise<T>,
): Promise<T> {
  try {
    const result = await work(tx);
    await tx.commit().execute();
    return result;
  } catch (error) {
    await rollBack(tx);
    throw error;
  }
}

/** A full disk or a lost connection has rolled back already: what went wrong first is what people must be told. */
async function rollBack(tx: ControlledTransaction<Schema>): Promise<void> {
  try {
    await tx.rollback().execute();
  } catch {
    // The first error follows.
  }
}
