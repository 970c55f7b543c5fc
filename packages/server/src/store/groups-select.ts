import type { Kysely } from 'kysely';
import type { GroupRow, Schema } from './schema.ts';

/** A group and the kind of its forge, which says how labels compare. */
export type GroupOfForgeRow = GroupRow & { readonly forge_kind: string };

/** Groups as `g`, in no order. */
export function selectGroups(db: Kysely<Schema>) {
  return db
    .selectFrom('groups as g')
    .innerJoin('forges as f', 'f.id', 'g.forge_id')
    .selectAll('g')
    .select('f.kind as forge_kind');
}
