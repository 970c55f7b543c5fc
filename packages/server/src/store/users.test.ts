import { describe, expect, it } from 'vitest';
import { databases, useDatabase } from './databases.testkit.ts';
import { makeEventStore } from './events.ts';
import { makeUserStore } from './users.ts';

const alice = {
  username: 'alice',
  passwordHash: 'hash-a',
  role: 'admin',
  isPasswordChanged: true,
} as const;
const bob = {
  username: 'bob',
  passwordHash: 'hash-b',
  role: 'readonly',
  isPasswordChanged: true,
} as const;
const kept = { isPasswordChanged: false } as const;

for (const kind of databases) {
  describe(`users on ${kind.name}`, () => {
    const at = useDatabase(kind);
    const users = () => makeUserStore(at.database);
    const emitted = async () =>
      (await makeEventStore(at.database).listAfter(0, 100)).map((event) => [
        event.kind,
        event.actor,
        event.data['changed'],
      ]);
    const logIn = async (username: string, tokenHash = `token of ${username}`) => {
      const user = (await users().findBasicUser(username))!;
      await users().createSession({ userId: user.id, tokenHash, expiresAt: at.clock.now() + 1 });
      return tokenHash;
    };

    it('become what the config says, once', async () => {
      await users().syncBasicUsers([bob, alice]);
      const found = await users().listBasicUsers();
      expect(
        found.map(({ username, role, passwordHash }) => [username, role, passwordHash]),
      ).toEqual([
        ['alice', 'admin', 'hash-a'],
        ['bob', 'readonly', 'hash-b'],
      ]);
      expect(found[0]).toMatchObject({ authProvider: 'basic', githubId: null });
      const events = await emitted();
      expect(events).toHaveLength(2);
      at.clock.advance(1_000);
      await users().syncBasicUsers([
        { ...alice, ...kept },
        { ...bob, ...kept },
      ]);
      expect(await users().listBasicUsers()).toEqual(found);
      expect(await emitted()).toEqual(events);
    });

    it('are added once by servers that start together', async () => {
      await Promise.all([
        users().syncBasicUsers([alice, bob]),
        makeUserStore(at.replica).syncBasicUsers([bob, alice]),
      ]);
      expect(await users().listBasicUsers()).toHaveLength(2);
    });

    it('lose login and sessions when they leave the config (defect #9)', async () => {
      await users().syncBasicUsers([alice, bob]);
      const session = await logIn('bob');
      await users().syncBasicUsers([{ ...alice, ...kept }]);
      expect(await users().findBasicUser('bob')).toBeUndefined();
      expect((await users().listBasicUsers()).map((user) => user.username)).toEqual(['alice']);
      expect(await users().findSession(session)).toBeUndefined();
      expect((await emitted()).at(-1)).toEqual(['user.changed', 'dispatchoor', ['disabled']]);
    });

    it('are all disabled by an empty config', async () => {
      await users().syncBasicUsers([alice, bob]);
      await users().syncBasicUsers([]);
      expect(await users().listBasicUsers()).toEqual([]);
    });

    it('stay the same user when they come back, without their old sessions', async () => {
      await users().syncBasicUsers([alice]);
      const before = await users().findBasicUser('alice');
      const session = await logIn('alice');
      await users().syncBasicUsers([]);
      await users().syncBasicUsers([alice]);
      expect((await users().findBasicUser('alice'))?.id).toBe(before?.id);
      expect(await users().findSession(session)).toBeUndefined();
    });

    it.each([
      ['password', { passwordHash: 'hash-new', isPasswordChanged: true }],
      ['role', { role: 'readonly', isPasswordChanged: false }],
    ] as const)('end their sessions with a new %s (defect #9)', async (what, change) => {
      await users().syncBasicUsers([alice, bob]);
      const sessions = [await logIn('alice', 'one'), await logIn('alice', 'two')];
      const ofBob = await logIn('bob');
      await users().syncBasicUsers([
        { ...alice, ...change },
        { ...bob, ...kept },
      ]);
      for (const session of sessions) expect(await users().findSession(session)).toBeUndefined();
      expect(await users().findSession(ofBob)).toBeDefined();
      expect((await emitted()).at(-1)).toEqual(['user.changed', 'dispatchoor', [what]]);
    });

    it('refuse a name that logs in another way, and then change nothing (defect #9)', async () => {
      const id = 'id-of-octocat';
      await at.database.write(async ({ db, now }) => {
        await db
          .insertInto('users')
          .values({
            ...{ id, username: 'octocat', password_hash: '', role: 'readonly', github_id: '1' },
            ...{ auth_provider: 'github', is_enabled: 1, created_at: now, updated_at: now },
          })
          .execute();
      });
      const synced = users().syncBasicUsers([
        alice,
        { ...bob, username: 'octocat', role: 'admin' },
      ]);
      await expect(synced).rejects.toThrow('"octocat" logs in with github');
      expect(await users().listBasicUsers()).toEqual([]);
      expect(await users().findBasicUser('octocat')).toBeUndefined();
    });

    it('have sessions that end once', async () => {
      await users().syncBasicUsers([alice]);
      const session = await logIn('alice');
      expect(await users().findSession(session)).toEqual({
        user: expect.objectContaining({ username: 'alice', role: 'admin' }),
        expiresAt: at.clock.now() + 1,
      });
      expect(JSON.stringify(await users().findSession(session))).not.toContain('hash-a');
      const ends = [
        users().deleteSession(session),
        makeUserStore(at.replica).deleteSession(session),
      ];
      expect((await Promise.all(ends)).sort()).toEqual([false, true]);
      expect(await users().findSession(session)).toBeUndefined();
      expect((await emitted()).slice(-2)).toEqual([
        ['user.login', 'alice', undefined],
        ['user.logout', 'alice', undefined],
      ]);
    });

    it('keep a hundred sessions at most, the newest, so that logins without end fill no table', async () => {
      await users().syncBasicUsers([alice, bob]);
      const others = await logIn('bob');
      for (let i = 0; i < 101; i += 1) {
        at.clock.advance(1);
        await logIn('alice', `session ${i}`);
      }
      const count = async () =>
        (await at.database.read.selectFrom('sessions').select('id').execute()).length;
      expect(await count()).toBe(101);
      expect(await users().findSession('session 0')).toBeUndefined();
      expect(await users().findSession('session 1')).toBeDefined();
      at.clock.advance(-3_600_000);
      expect(
        await users().findSession(await logIn('alice', 'after the clock was put back')),
      ).toBeDefined();
      expect(await count()).toBe(101);
      expect(await users().findSession(others)).toBeDefined();
    });

    it('get no session after they have left the config', async () => {
      await users().syncBasicUsers([alice]);
      const { id } = (await users().findBasicUser('alice'))!;
      await users().syncBasicUsers([]);
      const session = { userId: id, tokenHash: 'late', expiresAt: at.clock.now() + 1 };
      await expect(users().createSession(session)).rejects.toThrow('has left the config');
      expect(await users().findSession('late')).toBeUndefined();
    });
  });
}
