import { describe, expect, it } from 'vitest';
import { Slots } from './slots.ts';

const forever = new AbortController().signal;

describe('slots', () => {
  it('go to those who wait, in the order they came', async () => {
    const slots = new Slots(1);
    const first = await slots.take('a', forever);
    const order: string[] = [];
    const second = slots.take('a', forever).then((giveBack) => {
      order.push('second');
      giveBack?.();
    });
    const third = slots.take('a', forever).then(() => order.push('third'));
    first?.();
    await Promise.all([second, third]);
    expect(order).toEqual(['second', 'third']);
  });

  it('are not lost when one who waits gives up', async () => {
    const slots = new Slots(1);
    const first = await slots.take('a', forever);
    const impatient = new AbortController();
    const given = slots.take('a', impatient.signal);
    const patient = slots.take('a', forever);
    impatient.abort();
    expect(await given).toBeUndefined();
    first?.();
    expect(await patient).toBeDefined();
    expect(await slots.take('a', AbortSignal.abort())).toBeUndefined();
  });

  it('given back twice count once', async () => {
    const slots = new Slots(1);
    const giveBack = await slots.take('a', forever);
    giveBack?.();
    giveBack?.();
    await slots.take('a', forever);
    const impatient = new AbortController();
    const other = slots.take('a', impatient.signal);
    impatient.abort();
    expect(await other).toBeUndefined();
  });

  /** @returns how many slots these get that are never given back */
  async function takeAll(slots: Slots, about: readonly string[]): Promise<number> {
    let given = 0;
    const taking = about.map((one) => slots.take(one, forever).then(() => (given += 1)));
    await Promise.race([Promise.all(taking), new Promise(setImmediate)]);
    return given;
  }

  const often = (about: string): string[] => Array.from({ length: 20 }, () => about);

  it('leave room for the rest where all about one thing hang', async () => {
    const slots = new Slots(16);
    expect(await takeAll(slots, often('acme/app'))).toBe(8);
    expect(await takeAll(slots, often('acme/other'))).toBe(4);
    expect(await takeAll(slots, often('repo:acme/third'))).toBe(2);
    expect(await takeAll(slots, often('acme/fourth'))).toBe(0);
    expect(await takeAll(slots, often('org:other'))).toBe(1);
    expect(await takeAll(slots, often('org:third'))).toBe(1);
  });

  it('leave room for another owner where each of many repositories of one hangs once', async () => {
    const slots = new Slots(16);
    const repos = Array.from({ length: 20 }, (_, n) => `acme/r${String(n)}`);
    expect(await takeAll(slots, repos)).toBe(14);
    expect(await takeAll(slots, often('ann/app'))).toBe(1);
  });

  it('go to several at once where what held too much has given back', async () => {
    const slots = new Slots(4);
    const held = [await slots.take('a', forever), await slots.take('a', forever)];
    const b = await slots.take('b', forever);
    let given = 0;
    for (const about of ['a', 'b', 'a'])
      void slots.take(about, forever).then(() => (given += 1), String);
    b?.();
    held[0]?.();
    held[1]?.();
    await new Promise(setImmediate);
    expect(given).toBe(3);
  });

  it('go to the first in line that may have one', async () => {
    const slots = new Slots(4);
    const held = [await slots.take('a', forever), await slots.take('a', forever)];
    const order: string[] = [];
    const third = slots.take('a', forever).then(() => order.push('a'));
    const b = await slots.take('b', forever);
    const other = slots.take('b', forever).then(() => order.push('b'));
    expect(order).toEqual([]);
    held[0]?.();
    held[1]?.();
    await third;
    b?.();
    await other;
    expect(order).toEqual(['a', 'b']);
  });
});
