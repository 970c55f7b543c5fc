import { expect, it } from 'vitest';
import { untilAllSettled } from './until-all-settled.ts';

it('waits for the others when one has failed, and then says what failed', async () => {
  const slow = Promise.withResolvers<void>();
  let isOver = false;
  const all = untilAllSettled([
    Promise.reject(new Error('no forge')),
    slow.promise.then(() => {
      isOver = true;
    }),
  ]);
  slow.resolve();
  await expect(all).rejects.toThrow('no forge');
  expect(isOver).toBe(true);
});

it('says nothing when all went well', async () => {
  await expect(untilAllSettled([Promise.resolve()])).resolves.toBeUndefined();
});
