/** Whose webhooks are of any use to us: an organisation's report all its repositories, and anybody's of his own. */
import { sql } from 'kysely';
import { scopeCovers } from '../../domain/runner.ts';
import type { Database } from '../database.ts';
import { isWatchedRow } from '../moves/attempts.ts';

/** A webhook that is of no use any more, kept for so long still, costs a row; asking for each delays what it tells. */
const REMEMBERED_MS = 60_000;
/** Of the used repositories few send at the same time. */
const MOST_REMEMBERED = 1_000;

/** Which repositories are of use, remembered for a while; one that is of none is asked about each time: it may be by now. */
export class ServedRepos {
  readonly #database: Database;
  readonly #askedAt = new Map<string, number>();

  constructor(database: Database) {
    this.#database = database;
  }

  /** @returns see `WebhookStore` */
  async has(forgeId: string, owner: string, repo: string): Promise<boolean> {
    const { clock } = this.#database;
    const key = `${forgeId} ${owner}/${repo}`.toLowerCase();
    const ageMs = clock.now() - (this.#askedAt.get(key) ?? -Infinity);
    if (ageMs >= 0 && ageMs < REMEMBERED_MS) return true;
    this.#askedAt.delete(key);
    const isServed = await servesRepo(this.#database, forgeId, owner, repo);
    if (!isServed) return false;
    if (this.#askedAt.size >= MOST_REMEMBERED) this.#askedAt.clear();
    this.#askedAt.set(key, clock.now());
    return true;
  }
}

async function servesRepo(
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
