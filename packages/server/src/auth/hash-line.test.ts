import { describe, expect, it } from 'vitest';
import { HashLine } from './hash-line.ts';
import { LoginRefusal } from './login-refusal.ts';
import { TurnedAway } from './turned-away.ts';

describe('the line of logins', () => {
  interface Login {
    /** How it ended, once it has. */
    told: 'waits' | 'checked' | 'busy' | 'gone';
    /** As whose caller hangs up. */
    hangUp(): void;
  }

  /** What is checked is done when it is told so. */
  function openLine() {
    const line = new HashLine();
    const held: (() => void)[] = [];
    const work = () => new Promise<void>((resolve) => held.push(resolve));
    const come = (client: string, { who = client, isProven = false } = {}): Login => {
      const caller = new AbortController();
      const login: Login = { told: 'waits', hangUp: () => caller.abort() };
      line.run(work, { client, who, isProven, signal: caller.signal }).then(
        () => (login.told = 'checked'),
        (error: unknown) => {
          if (!(error instanceof LoginRefusal) || error.reason === 'too-many-failures') throw error;
          login.told = error.reason;
        },
      );
      return login;
    };
    const settle = () => new Promise((resolve) => setImmediate(resolve));
    const finishOne = async (): Promise<void> => {
      held.shift()?.();
      await settle();
    };
    return { come, finishOne, settle };
  }

  /** One address that guesses, each time under another name. */
  function floodOf(come: ReturnType<typeof openLine>['come']) {
    let guesses = 0;
    return (count: number): Login[] =>
      Array.from({ length: count }, () => come('flood', { who: `nobody-${(guesses += 1)}` }));
  }

  it('has the second login of an address checked beside any number of others that come again and again', async () => {
    const { come, finishOne } = openLine();
    const others = ['a', 'b', 'c', 'd'].map((client) => ({ client, login: come(client) }));
    const office = [come('office', { who: 'ada' }), come('office', { who: 'bob' })];
    // Two rounds of all five, and what is being checked at the beginning.
    for (let turn = 0; turn < 12; turn += 1) {
      await finishOne();
      for (const other of others) {
        if (other.login.told === 'checked') other.login = come(other.client);
      }
    }
    expect(office.map(({ told }) => told)).toEqual(['checked', 'checked']);
  });

  it('takes a place from the address with the most, for whoever has fewer', async () => {
    const { come, settle } = openLine();
    const flood = floodOf(come)(18);
    const people = Array.from({ length: 15 }, (_, i) => come(`192.0.2.${i}`));
    await settle();
    expect(new Set(people.map(({ told }) => told))).toEqual(new Set(['waits']));
    // Two are being checked, one waits.
    expect(flood.filter(({ told }) => told === 'waits')).toHaveLength(3);
  });

  it('takes one also from who has logged in before, where he has the most', async () => {
    const { come, settle } = openLine();
    const script = Array.from({ length: 18 }, () => come('script', { isProven: true }));
    const person = come('person');
    await settle();
    expect(person.told).toBe('waits');
    expect(script.filter(({ told }) => told === 'busy')).toHaveLength(1);
  });

  it('takes the only one of who has logged in before last of all', async () => {
    const { come, settle } = openLine();
    const others = Array.from({ length: 18 }, (_, i) => come(`192.0.2.${i}`));
    const known = come('known', { isProven: true });
    const stranger = come('198.51.100.1');
    await settle();
    expect([known.told, stranger.told]).toEqual(['waits', 'busy']);
    expect(others.filter(({ told }) => told === 'busy')).toHaveLength(1);
  });

  it('has who was refused checked at his second try, though others of his address always come first', async () => {
    const { come, finishOne, settle } = openLine();
    const guess = floodOf(come);
    guess(60);
    const refused = come('flood', { who: 'ada' });
    await settle();
    expect(refused.told).toBe('busy');
    const turn = async (): Promise<void> => {
      guess(60);
      await finishOne();
    };
    // Until those who came before him had their turns.
    for (let i = 0; i < 18; i += 1) await turn();
    const again = come('flood', { who: 'ada' });
    // One of those that are being checked ends, then his own.
    for (let i = 0; i < 3; i += 1) await turn();
    expect(again.told).toBe('checked');
  });

  it('has the one who was refused first go first, where many of one address come back', async () => {
    const { come, finishOne, settle } = openLine();
    floodOf(come)(18);
    const names = Array.from({ length: 30 }, (_, i) => `user-${i}`);
    for (const who of names) come('flood', { who });
    await settle();
    // The last comes back first, and again whenever he is refused.
    const back = new Map(names.toReversed().map((who) => [who, come('flood', { who })]));
    const checked = new Set<string>();
    for (let turn = 0; turn < 18 + names.length; turn += 1) {
      await finishOne();
      for (const [who, { told }] of back) {
        if (told === 'busy') back.set(who, come('flood', { who }));
        if (told === 'checked') checked.add(who);
      }
    }
    expect([...checked]).toEqual(names);
  });

  it('keeps its count of places when callers hang up', async () => {
    const { come, settle } = openLine();
    const logins = floodOf(come)(18);
    for (const login of logins) login.hangUp();
    const next = floodOf(come)(17);
    await settle();
    expect(logins.filter(({ told }) => told === 'gone')).toHaveLength(16);
    expect(next.filter(({ told }) => told === 'busy')).toHaveLength(1);
  });

  it('remembers ten thousand of those it refused, the last ones', () => {
    const turnedAway = new TurnedAway();
    for (let i = 0; i < 10_001; i += 1) turnedAway.keep(`user-${i}`, i);
    expect(turnedAway.size).toBe(10_000);
    expect([turnedAway.take('user-0'), turnedAway.take('user-1')]).toEqual([undefined, 1]);
  });
});
