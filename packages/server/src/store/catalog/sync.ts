import { type Kysely, sql } from 'kysely';
import { type EventKind, SYSTEM_ACTOR } from '../../domain/event.ts';
import type { Database, WriteTx } from '../database.ts';
import type { SyncGroup } from '../port/catalog.ts';
import type { Bool, GroupRow, Schema, TemplateRow } from '../schema.ts';
import {
  type CatalogDifference,
  type Change,
  compareCatalog,
  type GroupFields,
  isNoDifference,
  isOtherContent,
  type Stored,
  type StoredTemplate,
  type TemplateFields,
} from './difference.ts';
import { keepVersion, sendKeptAs } from './template-versions.ts';

interface SyncedForge {
  readonly id: string;
  readonly kind: string;
}

/** A config that says what is there already costs reads only. */
export async function syncCatalog(
  database: Database,
  forge: SyncedForge,
  groups: readonly SyncGroup[],
): Promise<void> {
  const before = await database.snapshot((db) => loadStored(db, forge.id));
  if (isNoDifference(compareCatalog(before, forge, groups))) return;
  await database.write(async (tx) => {
    await holdForge(tx, forge);
    const stored = await loadStored(tx.db, forge.id);
    await writeDifference(tx, forge.id, compareCatalog(stored, forge, groups));
  });
}

/** Also keeps two servers that start with the same config from writing it both: the second one waits here. */
async function holdForge({ db, now }: WriteTx, { id, kind }: SyncedForge): Promise<void> {
  await db
    .insertInto('forges')
    .values({ id, kind, created_at: now })
    .onConflict((conflict) => conflict.column('id').doUpdateSet({ kind }))
    .execute();
}

async function loadStored(db: Kysely<Schema>, forgeId: string): Promise<Stored> {
  const forge = await db
    .selectFrom('forges')
    .selectAll()
    .where('id', '=', forgeId)
    .executeTakeFirst();
  const groups = await db.selectFrom('groups').selectAll().execute();
  const templates = await db
    .selectFrom('templates')
    .selectAll()
    .select(isUsed.as('is_used'))
    .execute();
  return { forge, groups, templates };
}

const isUsed = sql<Bool>`exists (select 1 from jobs where jobs.template_id = templates.id)`;

async function writeDifference(
  tx: WriteTx,
  forgeId: string,
  difference: CatalogDifference,
): Promise<void> {
  for (const { from, to } of difference.templates) {
    if (from !== undefined && isOtherContent(from, to)) await keepVersion(tx, from);
  }
  for (const change of difference.groups) await writeGroup(tx, change);
  for (const group of difference.leftGroups) await disableGroup(tx, group);
  for (const change of difference.templates) await writeTemplate(tx, forgeId, change);
  for (const template of difference.leftTemplates) await leaveTemplate(tx, forgeId, template);
}

async function writeGroup(tx: WriteTx, { from, to }: Change<GroupRow, GroupFields>): Promise<void> {
  const { db, now } = tx;
  if (from === undefined) {
    await db
      .insertInto('groups')
      .values({ ...to, is_paused: 0, next_number: 0, created_at: now, updated_at: now })
      .execute();
  } else {
    await db
      .updateTable('groups')
      .set({ ...to, updated_at: now })
      .where('id', '=', to.id)
      .execute();
  }
  emit(tx, 'group.synced', to.id, {
    groupId: to.id,
    forgeId: to.forge_id,
    data: { name: to.name, changed: changedFields(from, to) },
  });
}

/** Its jobs stay, and it can still be looked at; nothing of it is sent any more. */
async function disableGroup(tx: WriteTx, group: GroupRow): Promise<void> {
  await tx.db
    .updateTable('groups')
    .set({ is_enabled: 0, updated_at: tx.now })
    .where('id', '=', group.id)
    .execute();
  emit(tx, 'group.left-config', group.id, {
    groupId: group.id,
    forgeId: group.forge_id,
    data: { name: group.name },
  });
}

async function writeTemplate(
  tx: WriteTx,
  forgeId: string,
  { from, to }: Change<TemplateRow, TemplateFields>,
): Promise<void> {
  const { db, now } = tx;
  if (from === undefined) {
    await db
      .insertInto('templates')
      .values({ ...to, created_at: now, updated_at: now })
      .execute();
  } else {
    await db
      .updateTable('templates')
      .set({ ...to, updated_at: now })
      .where('id', '=', to.id)
      .execute();
    await sendKeptAs(tx, to);
  }
  emit(tx, 'template.synced', to.id, {
    groupId: to.group_id,
    forgeId,
    data: { name: to.name, changed: changedFields(from, to) },
  });
}

async function leaveTemplate(
  tx: WriteTx,
  forgeId: string,
  template: StoredTemplate,
): Promise<void> {
  const { db, now } = tx;
  const deleted = await db
    .deleteFrom('templates')
    .where('id', '=', template.id)
    .where((is) => is.not(isUsed))
    .executeTakeFirst();
  const isDeleted = deleted.numDeletedRows === 1n;
  if (!isDeleted) {
    await db
      .updateTable('templates')
      .set({ in_config: 0, updated_at: now })
      .where('id', '=', template.id)
      .execute();
  }
  emit(tx, 'template.synced', template.id, {
    groupId: template.group_id,
    forgeId,
    data: { name: template.name, changed: [isDeleted ? 'deleted' : 'in_config'] },
  });
}

/** Columns that differ; `added` for a new row. */
function changedFields<Fields extends object>(from: Fields | undefined, to: Fields): string[] {
  if (from === undefined) return ['added'];
  return (Object.keys(to) as (keyof Fields & string)[]).filter(
    (field) => from[field] !== to[field],
  );
}

function emit(
  tx: WriteTx,
  kind: Extract<EventKind, 'group.synced' | 'group.left-config' | 'template.synced'>,
  subjectId: string,
  rest: { groupId: string; forgeId: string; data: Readonly<Record<string, unknown>> },
): void {
  tx.emit({
    kind,
    subjectType: kind === 'template.synced' ? 'template' : 'group',
    subjectId,
    ...rest,
    actor: SYSTEM_ACTOR,
    isAudit: true,
  });
}
