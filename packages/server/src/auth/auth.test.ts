import { describe, expect, it } from 'vitest';
import { Secret } from '../lib/secret.ts';
import type { UserStore, UserWithPassword } from '../store/port/users.ts';
import { ada, noon, openAuth } from './auth.testkit.ts';
import { argon2id, type Passwords } from './passwords.ts';
import { findToken, hashSessionToken, makeSessionToken } from './session-tokens.ts';
import { syncUsers } from './sync-users.ts';

describe('passwords', () => {
  it('are stored as argon2id', async () => {
    expect(await argon2id.hash('secret')).toMatch(/^\$argon2id\$/);
  });

  it('fit their hash and no other, whatever that is', async () => {
    const hash = await argon2id.hash('secret');
    expect(await argon2id.fits(hash, 'secret')).toBe(true);
    expect(await argon2id.fits(hash, 'Secret')).toBe(false);
    expect(await argon2id.fits('no hash at all', 'secret')).toBe(false);
  });
});

describe('a token', () => {
  it('is 32 random bytes as URL-safe base64 with padding', () => {
    const tokens = Array.from({ length: 50 }, makeSessionToken);
    expect(new Set(tokens).size).toBe(50);
    for (const token of tokens) {
      expect(token).toMatch(/^[\w-]{43}=$/);
      expect(Buffer.from(token, 'base64url')).toHaveLength(32);
    }
  });

  it('is stored as the SHA-256 of its text in hex, so that sessions survive the switch', () => {
    expect(hashSessionToken('abc')).toBe(
      'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
    );
  });

  it('comes from the first place that holds one', () => {
    const all = { authorization: 'Bearer a', cookie: 'c', query: 'q' };
    expect(findToken(all)).toBe('a');
    expect(findToken({ ...all, authorization: 'raw' })).toBe('raw');
    expect(findToken({ ...all, authorization: 'Bearer ' })).toBe('c');
    expect(findToken({ ...all, authorization: undefined })).toBe('c');
    expect(findToken({ ...all, authorization: 'bearer a' })).toBe('bearer a');
    expect(findToken({ authorization: '', cookie: '', query: 'q' })).toBe('q');
    expect(findToken({ authorization: '', cookie: '', query: '' })).toBeUndefined();
  });
});

describe('the login of a proxy, passed on', () => {
  it.each([
    'Basic YWRhOnJpZ2h0',
    'basic YWRhOnJpZ2h0',
    'Digest username="ada"',
    'Negotiate abc',
    'Basic ',
  ])('%s is no session token: the cookie is looked at next', (authorization) => {
    expect(findToken({ authorization, cookie: 'c', query: 'q' })).toBe('c');
    expect(findToken({ authorization, cookie: undefined, query: 'q' })).toBe('q');
    expect(findToken({ authorization, cookie: undefined, query: undefined })).toBeUndefined();
  });
});

describe('login', () => {
  it('makes a session that is found by its token until its time is over', async () => {
    const { auth, login, clock, sessions } = await openAuth();
    const made = await login('ada', 'right');
    expect(made?.user).toEqual(ada);
    expect([...sessions.values()]).toEqual([noon + 60_000]);
    expect((await auth.findSession(made!.token))?.user).toEqual(ada);
    clock.step(59_999);
    expect(await auth.findSession(made!.token)).toBeDefined();
    clock.step(1);
    expect(await auth.findSession(made!.token)).toBeUndefined();
  });

  it('never gives the password hash to who asked', async () => {
    const { login } = await openAuth();
    expect((await login('ada', 'right'))?.user).not.toHaveProperty('passwordHash');
  });

  it('checks the password of an unknown user too, against a hash like any other (defect #29)', async () => {
    const checked: string[] = [];
    const fits: Passwords['fits'] = (passwordHash, password) => {
      checked.push(passwordHash);
      return argon2id.fits(passwordHash, password);
    };
    const { login } = await openAuth({ passwords: { ...argon2id, fits } });
    expect(await login('ada', 'wrong')).toBeUndefined();
    expect(await login('nobody', 'wrong')).toBeUndefined();
    const parametersOf = (hash: string | undefined) => hash?.split('$').slice(0, 4);
    expect(checked).toHaveLength(2);
    expect(parametersOf(checked[1])).toEqual(parametersOf(checked[0]));
  });

  it('refuses everybody where passwords are not in use', async () => {
    const { login } = await openAuth({ isBasicEnabled: false });
    expect(await login('ada', 'right')).toBeUndefined();
  });
});

describe('a session', () => {
  it('ends alone (defect #27)', async () => {
    const { auth, login } = await openAuth();
    const [one, other] = [await login('ada', 'right'), await login('ada', 'right')];
    await auth.endSession((await auth.findSession(one!.token))!);
    expect(await auth.findSession(one!.token)).toBeUndefined();
    expect(await auth.findSession(other!.token)).toBeDefined();
  });

  it('is not looked for by a token longer than any', async () => {
    const { auth } = await openAuth();
    expect(await auth.findSession('x'.repeat(2_000))).toBeUndefined();
  });
});

describe('the users of the config', () => {
  type Synced = Parameters<UserStore['syncBasicUsers']>[0];

  async function sync(password: string, stored: UserWithPassword[]): Promise<Synced> {
    const synced: Synced[] = [];
    await syncUsers([{ username: 'ada', role: 'readonly', password: new Secret(password) }], {
      listBasicUsers: async () => stored,
      syncBasicUsers: async (users) => {
        synced.push(users);
      },
    });
    return synced[0]!;
  }

  it('keep their hash over a restart, so that their sessions go on (defect #9)', async () => {
    const passwordHash = await argon2id.hash('right');
    expect(await sync('right', [{ ...ada, passwordHash }])).toEqual([
      { username: 'ada', role: 'readonly', passwordHash, isPasswordChanged: false },
    ]);
  });

  it('get a new hash with a new password, which ends their sessions (defect #9)', async () => {
    const passwordHash = await argon2id.hash('old');
    const [user] = await sync('new', [{ ...ada, passwordHash }]);
    expect(user?.isPasswordChanged).toBe(true);
    expect(await argon2id.fits(user!.passwordHash, 'new')).toBe(true);
  });

  it('are hashed when they are new', async () => {
    const [user] = await sync('right', []);
    expect(user?.passwordHash).toMatch(/^\$argon2id\$/);
  });
});
