import { describe, expect, it } from 'vitest';
import { FakeClock } from '../lib/clock.testkit.ts';
import { ada, noon, openAuth } from './auth.testkit.ts';
import { FailedLogins } from './failed-logins.ts';
import { LoginRefusal } from './login-refusal.ts';
import type { LoginAttempt } from './password-login.ts';
import { argon2id, type Passwords } from './passwords.ts';

const away = {
  createSession: async () => undefined,
  findSession: async () => undefined,
  deleteSession: async () => false,
};

describe('a flood of logins', () => {
  const turnDown = (attempt: Promise<unknown>) =>
    attempt.then(
      () => 'let in',
      (error: unknown) => (error instanceof LoginRefusal ? error.reason : error),
    );

  /** Of the passwords that are checked, none is done before `finish`. */
  async function openHeld() {
    const held: (() => void)[] = [];
    const fits: Passwords['fits'] = async (_hash, password) => {
      await new Promise<void>((resolve) => held.push(resolve));
      return password === 'right';
    };
    const hash = async () => 'a hash';
    const opened = await openAuth({ passwords: { hash, fits } });
    const finish = async (): Promise<void> => {
      for (;;) {
        await opened.clock.advance(0);
        if (held.length === 0) return;
        for (const done of held.splice(0)) done();
      }
    };
    /** As `finish`, once for those that are being checked now. */
    const finishTwo = async (): Promise<void> => {
      await opened.clock.advance(0);
      for (const done of held.splice(0)) done();
      await opened.clock.advance(0);
    };
    return { ...opened, held, finish, finishTwo };
  }

  it('has two passwords checked at a time, a few wait, and the rest is refused as busy', async () => {
    const { login, clock, held, finish } = await openHeld();
    const answers = Array.from({ length: 30 }, (_, i) => turnDown(login(`nobody-${i}`, 'guess')));
    await clock.advance(0);
    expect(held).toHaveLength(2);
    await finish();
    const all = await Promise.all(answers);
    expect(all.filter((answer) => answer === 'busy')).toHaveLength(30 - 2 - 16);
  });

  it('keeps nobody out who has logged in from there before', async () => {
    const { login, clock, finish } = await openHeld();
    const first = login('ada', 'right');
    await clock.advance(0);
    await finish();
    await first;
    const flood = Array.from({ length: 30 }, (_, i) => turnDown(login(`nobody-${i}`, 'guess')));
    const again = login('ada', 'right');
    await finish();
    expect((await again)?.user).toEqual(ada);
    await Promise.all(flood);
  });

  it.each([
    ['who has logged in before', true],
    ['who logs in for the first time', false],
  ])(
    'of one client with its own right password keeps nobody out: %s is checked in a few turns',
    async (_, isProven) => {
      const { login, clock, finish, finishTwo } = await openHeld();
      const from = { client: '198.51.100.7' };
      const before = [login('ada', 'right'), ...(isProven ? [login('ada', 'right', from)] : [])];
      await finish();
      await Promise.all(before);
      const flood = Array.from({ length: 60 }, () => turnDown(login('ada', 'right')));
      for (let turn = 0; turn < 5; turn += 1) {
        await clock.advance(0);
        let told = 'waits';
        const late = turnDown(login('ada', 'right', from)).then(
          (answer) => (told = String(answer)),
        );
        // As the others of the flood come back at once.
        for (let i = 0; i < 10; i += 1) flood.push(turnDown(login('ada', 'right')));
        for (let i = 0; i < 3; i += 1) await finishTwo();
        expect(told).toBe('let in');
        await late;
      }
      await finish();
      expect(new Set(await Promise.all(flood))).toEqual(new Set(['let in', 'busy']));
    },
  );

  it('from one address, each guess under another name, keeps out nobody at an address of his own: eight tried in vain for two minutes', async () => {
    const { login, clock, finish, finishTwo } = await openHeld();
    let n = 0;
    const guess = () => turnDown(login(`nobody-${(n += 1)}`, 'guess'));
    const flood = Array.from({ length: 60 }, guess);
    await clock.advance(0);
    const told: unknown[] = [];
    const people = Array.from({ length: 8 }, async (_, i) => {
      told.push(await turnDown(login('ada', 'right', { client: `198.51.100.${i}` })));
    });
    // As those that were refused come back at once.
    for (let turn = 0; turn < 7; turn += 1) {
      flood.push(...Array.from({ length: 60 }, guess));
      await finishTwo();
    }
    expect(told).toEqual(Array.from({ length: 8 }, () => 'let in'));
    await finish();
    await Promise.all([...flood, ...people]);
  });

  it('under the name and address of who has logged in before does not take his turns', async () => {
    const { login, clock, finish } = await openHeld();
    const first = login('ada', 'right');
    await finish();
    await first;
    const guesses = Array.from({ length: 10 }, () => turnDown(login('ada', 'guess')));
    const others = Array.from({ length: 30 }, (_, i) => turnDown(login(`nobody-${i}`, 'guess')));
    await clock.advance(0);
    const again = [login('ada', 'right'), login('ada', 'right')];
    const more = Array.from({ length: 30 }, (_, i) => turnDown(login(`other-${i}`, 'guess')));
    await finish();
    for (const one of again) expect((await one)?.user).toEqual(ada);
    await Promise.all([...guesses, ...others, ...more]);
  });

  it('has nothing checked for who has hung up', async () => {
    const { login, clock, held, finish } = await openHeld();
    const waiting = [login('ada', 'right'), login('ada', 'right')];
    const hungUp = new AbortController();
    const gone = turnDown(login('ada', 'right', { signal: hungUp.signal }));
    await clock.advance(0);
    hungUp.abort();
    expect(await gone).toBe('gone');
    expect(await turnDown(login('ada', 'right', { signal: hungUp.signal }))).toBe('gone');
    expect(held).toHaveLength(2);
    await finish();
    await Promise.all(waiting);
  });

  it('makes no session for who hung up while the password was checked', async () => {
    const { login, clock, finish, sessions } = await openHeld();
    const hungUp = new AbortController();
    const gone = turnDown(login('ada', 'right', { signal: hungUp.signal }));
    await clock.advance(0);
    hungUp.abort();
    await finish();
    expect(await gone).toBe('gone');
    expect(sessions.size).toBe(0);
  });
});

describe('failed logins', () => {
  const fits: Passwords['fits'] = async (_hash, password) => password === 'right';
  const quick = { passwords: { ...argon2id, fits } };
  const reasonOf = (error: unknown) => (error instanceof LoginRefusal ? error.reason : error);

  async function failTenTimes(from: Partial<LoginAttempt> = {}) {
    const opened = await openAuth(quick);
    for (let i = 0; i < 10; i += 1) {
      expect(await opened.login('ada', 'guess', from)).toBeUndefined();
    }
    return opened;
  }

  it('are ten at once, then one a second, and too many are told so', async () => {
    const { login, clock } = await failTenTimes();
    const more = Array.from({ length: 7 }, () => login('ada', 'guess').catch(reasonOf));
    await clock.advance(5_000);
    expect(await Promise.all(more)).toEqual(Array.from({ length: 7 }, () => 'too-many-failures'));
    await clock.advance(60_000);
    expect(await login('ada', 'guess')).toBeUndefined();
  });

  it('do not keep the right password out: it waits for its turn', async () => {
    const { login, clock } = await failTenTimes();
    const right = login('ada', 'right');
    await clock.advance(1_000);
    expect((await right)?.user).toEqual(ada);
  });

  it('under one name and address do not keep out who got in from there before, however many fail', async () => {
    const { login, clock } = await openAuth(quick);
    await login('ada', 'right');
    const flood = Array.from({ length: 50 }, () => login('ada', 'guess').catch(reasonOf));
    expect((await login('ada', 'right'))?.user).toEqual(ada);
    expect((await login('ada', 'right'))?.user).toEqual(ada);
    await clock.advance(10_000);
    expect(await Promise.all(flood)).toContain('too-many-failures');
  });

  it('count for a password that was changed, though it let in before', async () => {
    let password = 'right';
    const fits: Passwords['fits'] = async (_hash, given) => given === password;
    const { login, clock } = await openAuth({ passwords: { ...argon2id, fits } });
    await login('ada', 'right');
    password = 'new';
    for (let i = 0; i < 11; i += 1) expect(await login('ada', 'right')).toBeUndefined();
    const late = login('ada', 'right').catch(reasonOf);
    await clock.advance(1_000);
    expect(await late).toBe('too-many-failures');
  });

  it('of others hold nobody up: neither of another address nor of another user', async () => {
    const elsewhere = await failTenTimes({ client: '198.51.100.7' });
    expect((await elsewhere.login('ada', 'right'))?.user).toEqual(ada);
    const { login } = await openAuth(quick);
    for (let i = 0; i < 10; i += 1) await login('bob', 'guess');
    expect((await login('ada', 'right'))?.user).toEqual(ada);
  });

  it('alone count: who is right may log in as often as he likes', async () => {
    const { login, sessions } = await openAuth(quick);
    for (let i = 0; i < 100; i += 1) await login('ada', 'right');
    expect(sessions.size).toBe(100);
  });

  it('are not those whose password was not looked at', async () => {
    const { login } = await openAuth({
      ...quick,
      users: { ...away, findBasicUser: () => Promise.reject(new Error('away')) },
    });
    for (let i = 0; i < 30; i += 1) await expect(login('ada', 'guess')).rejects.toThrow('away');
  });

  it('are forgotten a minute later', async () => {
    const clock = new FakeClock(noon);
    const failures = new FailedLogins(clock, 60);
    for (let i = 0; i < 1_000; i += 1) failures.takeTurn(`user-${i}`);
    await clock.advance(60_000);
    failures.takeTurn('other');
    expect(failures.size).toBe(1);
  });
});
