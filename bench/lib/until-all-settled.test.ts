import { expect, it } from 'vitest';
import { untilAllSettled } from './until-all-settled.ts';

it('waits for the others when one has failed, and then says what failed', async () => {
  let endSlow: (() => void) | undefined;
  const slow = new Promise<void>((resolve) => {
    endSlow = resolve;
  });
  const all = untilAllSettled([Promise.reject(new Error('no forge')), slow]);
  let isSettled = false;
  const noticed = all.catch(() => {
    isSettled = true;
  });
  await new Promise(setImmediate);
  expect(isSettled).toBe(false);
  endSlow?.();
  await noticed;
  await expect(all).rejects.toThrow('no forge');
});

it('says nothing when all went well', async () => {
  await expect(untilAllSettled([Promise.resolve()])).resolves.toBeUndefined();
});
