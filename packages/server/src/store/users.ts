import { SYSTEM_ACTOR } from '../domain/event.ts';
import { uuidv7 } from '../lib/ids.ts';
import type { Database, WriteTx } from './database.ts';
import type { User, UserStore, UserWithPassword } from './port/users.ts';
import type { Schema } from './schema.ts';

/** Of one user. Far more than he has browsers. */
const MOST_SESSIONS = 100;

type UserRow = Schema['users'];
type BasicUser = Parameters<UserStore['syncBasicUsers']>[0][number];

export function makeUserStore(database: Database): UserStore {
  return {
    listBasicUsers: () => listBasicUsers(database),
    findBasicUser: (username) => findBasicUser(database, username),
    syncBasicUsers: (users) => database.write((tx) => syncBasicUsers(tx, users)),
    createSession: (session) => database.write((tx) => createSession(tx, session)),
    findSession: (tokenHash) => findSession(database, tokenHash),
    deleteSession: (tokenHash) => database.write((tx) => deleteSession(tx, tokenHash)),
  };
}

async function listBasicUsers({ read }: Database): Promise<UserWithPassword[]> {
  const rows = await read
    .selectFrom('users')
    .selectAll()
    .where('auth_provider', '=', 'basic')
    .where('is_enabled', '=', 1)
    .orderBy('username')
    .execute();
  return rows.map(userWithPasswordOf);
}

async function findBasicUser(
  { read }: Database,
  username: string,
): Promise<UserWithPassword | undefined> {
  const row = await read
    .selectFrom('users')
    .selectAll()
    .where('username', '=', username)
    .where('auth_provider', '=', 'basic')
    .where('is_enabled', '=', 1)
    .executeTakeFirst();
  return row === undefined ? undefined : userWithPasswordOf(row);
}

function userOf(row: Omit<UserRow, 'password_hash' | 'is_enabled'>): User {
  return {
    id: row.id,
    username: row.username,
    role: row.role,
    authProvider: row.auth_provider,
    githubId: row.github_id,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

function userWithPasswordOf(row: UserRow): UserWithPassword {
  return { ...userOf(row), passwordHash: row.password_hash };
}

async function syncBasicUsers(tx: WriteTx, users: readonly BasicUser[]): Promise<void> {
  // In one order: two servers that start together wait for each other, never crosswise.
  const sorted = [...users].sort((a, b) => (a.username < b.username ? -1 : 1));
  for (const user of sorted) {
    if (!(await tryAddUser(tx, user))) await changeUser(tx, user);
  }
  await disableOthers(
    tx,
    sorted.map((user) => user.username),
  );
}

async function tryAddUser(tx: WriteTx, user: BasicUser): Promise<boolean> {
  const added = await tx.db
    .insertInto('users')
    .values({
      id: uuidv7(tx.now),
      username: user.username,
      password_hash: user.passwordHash,
      role: user.role,
      auth_provider: 'basic',
      github_id: null,
      is_enabled: 1,
      created_at: tx.now,
      updated_at: tx.now,
    })
    .onConflict((conflict) => conflict.column('username').doNothing())
    .returning('id')
    .executeTakeFirst();
  if (added === undefined) return false;
  emitUserChanged(tx, added.id, { username: user.username, changed: ['added'], role: user.role });
  return true;
}

/** Each change is one fenced statement, so that what really changed is known without reading first. */
async function changeUser(tx: WriteTx, user: BasicUser): Promise<void> {
  const found = await tx.db
    .selectFrom('users')
    .select(['id', 'auth_provider'])
    .where('username', '=', user.username)
    .executeTakeFirstOrThrow();
  if (found.auth_provider !== 'basic') {
    throw new Error(
      `auth.basic.users: "${user.username}" logs in with ${found.auth_provider}: give the basic user another name`,
    );
  }
  const change = (set: Partial<UserRow>, differs: 'role' | 'is_enabled' | 'password_hash') =>
    tryChange(tx, found.id, set, differs);
  const changed: string[] = [];
  if (await change({ is_enabled: 1 }, 'is_enabled')) changed.push('enabled');
  if (await change({ role: user.role }, 'role')) changed.push('role');
  if (user.isPasswordChanged) {
    const { passwordHash } = user;
    if (await change({ password_hash: passwordHash }, 'password_hash')) changed.push('password');
  }
  if (changed.length === 0) return;
  await endSessions(tx, [found.id]);
  emitUserChanged(tx, found.id, { username: user.username, changed, role: user.role });
}

async function tryChange(
  { db, now }: WriteTx,
  id: string,
  set: Partial<UserRow>,
  column: 'role' | 'is_enabled' | 'password_hash',
): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('users')
    .set({ ...set, updated_at: now })
    .where('id', '=', id)
    .where(column, '<>', set[column] ?? '')
    .executeTakeFirst();
  return numUpdatedRows === 1n;
}

async function disableOthers(tx: WriteTx, usernames: readonly string[]): Promise<void> {
  const gone = await tx.db
    .updateTable('users')
    .set({ is_enabled: 0, updated_at: tx.now })
    .where('auth_provider', '=', 'basic')
    .where('is_enabled', '=', 1)
    .$if(usernames.length > 0, (others) => others.where('username', 'not in', usernames))
    .returning(['id', 'username', 'role'])
    .execute();
  if (gone.length === 0) return;
  await endSessions(
    tx,
    gone.map((user) => user.id),
  );
  for (const { id, username, role } of gone) {
    emitUserChanged(tx, id, { username, changed: ['disabled'], role });
  }
}

async function endSessions({ db }: WriteTx, userIds: readonly string[]): Promise<void> {
  await db.deleteFrom('sessions').where('user_id', 'in', userIds).execute();
}

function emitUserChanged(tx: WriteTx, id: string, data: Readonly<Record<string, unknown>>): void {
  emitUser(tx, 'user.changed', { id, actor: SYSTEM_ACTOR, data });
}

function emitUser(
  tx: WriteTx,
  kind: 'user.changed' | 'user.login' | 'user.logout',
  user: { id: string; actor: string; data: Readonly<Record<string, unknown>> },
): void {
  tx.emit({
    kind,
    subjectType: 'user',
    subjectId: user.id,
    groupId: null,
    forgeId: null,
    actor: user.actor,
    isAudit: true,
    data: user.data,
  });
}

/**
 * A user that was disabled since the password was checked gets no session: the update changes nothing, it holds the
 * row against a config that would disable the user meanwhile.
 */
async function createSession(
  tx: WriteTx,
  session: Parameters<UserStore['createSession']>[0],
): Promise<void> {
  const user = await tx.db
    .updateTable('users')
    .set((is) => ({ is_enabled: is.ref('is_enabled') }))
    .where('id', '=', session.userId)
    .where('is_enabled', '=', 1)
    .returning('username')
    .executeTakeFirst();
  if (user === undefined) throw new Error('the user has left the config');
  const id = uuidv7(tx.now);
  await tx.db
    .insertInto('sessions')
    .values({
      id,
      user_id: session.userId,
      token_hash: session.tokenHash,
      expires_at: session.expiresAt,
      created_at: tx.now,
    })
    .execute();
  await endOldest(tx, session.userId, id);
  emitUser(tx, 'user.login', { id: session.userId, actor: user.username, data: {} });
}

/** A script that logs in for each call would fill the table. The new one stays, wherever the clock is put. */
async function endOldest({ db }: WriteTx, userId: string, newId: string): Promise<void> {
  await db
    .deleteFrom('sessions')
    .where('user_id', '=', userId)
    .where('id', '<>', newId)
    .where('id', 'not in', (sessions) =>
      sessions
        .selectFrom('sessions')
        .select('id')
        .where('user_id', '=', userId)
        .where('id', '<>', newId)
        .orderBy('created_at', 'desc')
        .orderBy('id', 'desc')
        .limit(MOST_SESSIONS - 1),
    )
    .execute();
}

async function findSession(
  { read }: Database,
  tokenHash: string,
): Promise<{ user: User; expiresAt: number } | undefined> {
  const row = await read
    .selectFrom('sessions')
    .innerJoin('users', 'users.id', 'sessions.user_id')
    .select([
      'users.id',
      'users.username',
      'users.role',
      'users.auth_provider',
      'users.github_id',
      'users.created_at',
      'users.updated_at',
      'sessions.expires_at',
    ])
    .where('sessions.token_hash', '=', tokenHash)
    .where('users.is_enabled', '=', 1)
    .executeTakeFirst();
  return row === undefined ? undefined : { user: userOf(row), expiresAt: row.expires_at };
}

async function deleteSession(tx: WriteTx, tokenHash: string): Promise<boolean> {
  const ended = await tx.db
    .deleteFrom('sessions')
    .where('token_hash', '=', tokenHash)
    .returning('user_id')
    .executeTakeFirst();
  if (ended === undefined) return false;
  const user = await tx.db
    .selectFrom('users')
    .select(['id', 'username'])
    .where('id', '=', ended.user_id)
    .executeTakeFirstOrThrow();
  emitUser(tx, 'user.logout', { id: user.id, actor: user.username, data: {} });
  return true;
}
