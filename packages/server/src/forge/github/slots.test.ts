import { describe, expect, it } from 'vitest';
import { Slots } from './slots.ts';

const forever = new AbortController().signal;

describe('slots', () => {
  it('go to those who wait, in the order they came', async () => {
    const slots = new Slots(1, 1);
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
    const slots = new Slots(1, 1);
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
    const slots = new Slots(1, 1);
    const giveBack = await slots.take('a', forever);
    giveBack?.();
    giveBack?.();
    await slots.take('a', forever);
    const impatient = new AbortController();
    const other = slots.take('a', impatient.signal);
    impatient.abort();
    expect(await other).toBeUndefined();
  });

  it('leave room for the rest where all about one thing hang', async () => {
    const slots = new Slots(3, 2);
    const hanging = [await slots.take('a', forever), await slots.take('a', forever)];
    const order: string[] = [];
    const third = slots.take('a', forever).then(() => order.push('a'));
    (await slots.take('b', forever))?.();
    await slots.take('b', forever);
    const second = slots.take('b', forever).then(() => order.push('b'));
    expect(order).toEqual([]);
    hanging[0]?.();
    await third;
    hanging[1]?.();
    await second;
    expect(order).toEqual(['a', 'b']);
  });
});
