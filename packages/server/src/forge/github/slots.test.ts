import { describe, expect, it } from 'vitest';
import { Slots } from './slots.ts';

const forever = new AbortController().signal;

describe('slots', () => {
  it('go to those who wait, in the order they came', async () => {
    const slots = new Slots(1);
    const first = await slots.take(forever);
    const order: string[] = [];
    const second = slots.take(forever).then((giveBack) => {
      order.push('second');
      giveBack?.();
    });
    const third = slots.take(forever).then(() => order.push('third'));
    first?.();
    await Promise.all([second, third]);
    expect(order).toEqual(['second', 'third']);
  });

  it('are not lost when one who waits gives up', async () => {
    const slots = new Slots(1);
    const first = await slots.take(forever);
    const impatient = new AbortController();
    const given = slots.take(impatient.signal);
    const patient = slots.take(forever);
    impatient.abort();
    expect(await given).toBeUndefined();
    first?.();
    expect(await patient).toBeDefined();
    expect(await slots.take(AbortSignal.abort())).toBeUndefined();
  });

  it('given back twice count once', async () => {
    const slots = new Slots(1);
    const giveBack = await slots.take(forever);
    giveBack?.();
    giveBack?.();
    await slots.take(forever);
    const impatient = new AbortController();
    const other = slots.take(impatient.signal);
    impatient.abort();
    expect(await other).toBeUndefined();
  });
});
