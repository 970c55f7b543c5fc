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
    await tx.rollback().execute();
    throw error;
  }
}
