import { expect, it } from 'vitest';
import { findDescriptorLimit } from './descriptor-limit.ts';

const limits = (soft: string) =>
  `Limit                     Soft Limit           Hard Limit           Units     \n` +
  `Max processes             96364                96364                processes \n` +
  `Max open files            ${soft.padEnd(20)} 1048576              files     \n`;

it('reads how many files may be open, as Linux shows it', () => {
  expect(findDescriptorLimit(() => limits('1024'))).toBe(1024);
});

it.each([
  ['there is no limit', () => limits('unlimited')],
  [
    'the system shows none',
    () => {
      throw new Error('ENOENT');
    },
  ],
])('knows of none where %s', (_, read) => {
  expect(findDescriptorLimit(read)).toBeUndefined();
});
