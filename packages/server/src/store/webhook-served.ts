/** Whose webhooks are of any use to us: an organisation's tell of all its repositories, and anybody's of his own. */
import { sql } from 'kysely';
import { scopeCovers } from '../domain/runner.ts';
import { isWatchedRow } from './attempts.ts';
import type { Database } from './database.ts';

/** @returns see `WebhookStore` */
export async function servesRepo(
  { read }: Database,
  forgeId: string,
  owner: string,
  repo: string,
): Promise<boolean> {
  const scopes = await read
    .selectFrom('runner_scopes')
    .select('scope')
    .where('forge_id', '=', forgeId)
    .execute();
  if (scopes.some(({ scope }) => scopeCovers(scope, owner, repo))) return true;
  const isOwner = sql`lower(owner) = ${owner.toLowerCase()}`;
  const isRepo = sql`${isOwner} and lower(repo) = ${repo.toLowerCase()}`;
  // Templates do not name their forge, and one owner too many costs a few rows.
  const { rows } = await sql<{ found: number }>`
    select 1 as found where exists (select 1 from templates where ${isOwner})
      or exists (
        select 1 from attempts
        where forge_id = ${forgeId} and ended_at is null and ${isRepo}
      )
      or exists (
        select 1 from attempts where forge_id = ${forgeId} and ${isWatchedRow} and ${isRepo}
      )
  `.execute(read);
  return rows.length > 0;
}
