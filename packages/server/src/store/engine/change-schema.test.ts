import type { ControlledTransaction } from 'kysely';
import { describe, expect, it } from 'vitest';
import type { Schema } from '../schema.ts';
import { endWith } from './change-schema.ts';

describe('a schema change that fails', () => {
  it('tells why, also where the database has rolled back by itself (a full disk)', async () => {
    const tx = {
      rollback: () => ({
        execute: () => Promise.reject(new Error('cannot rollback - no transaction is active')),
      }),
    } as unknown as ControlledTransaction<Schema>;
    const ending = endWith(tx, () => Promise.reject(new Error('the disk is full')));
    await expect(ending).rejects.toThrow('the disk is full');
  });
});
