import { describe, expect, it } from 'vitest';
import { readAddress, readForwardedFor } from './forwarded-for.ts';

describe('an address', () => {
  it.each([
    ['192.0.2.1', '192.0.2.1'],
    ['192.0.2.1:4711', '192.0.2.1'],
    ['[192.0.2.1]:4711', '192.0.2.1'],
    ['2001:DB8:0:0::1', '2001:db8::1'],
    ['[2001:db8::1]', '2001:db8::1'],
    ['[2001:db8::1]:4711', '2001:db8::1'],
    ['fe80::1%eth0', 'fe80::1'],
    ['[fe80::1%eth0]:80', 'fe80::1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['::FFFF:c000:201', '192.0.2.1'],
    ['0:0:0:0:0:ffff:192.0.2.1', '192.0.2.1'],
    ['[::ffff:192.0.2.1]:4711', '192.0.2.1'],
    ['::1', '::1'],
  ])('written %s is %s', (text, address) => {
    expect(readAddress(text)).toBe(address);
  });

  it.each([
    '',
    'unknown',
    '_hidden',
    'unix:',
    '192.0.2',
    '192.0.2.1:',
    '192.0.2.1:port',
    '192.0.2.1:123456',
    '192.0.2.256',
    '2001:db8::1]:80',
    '[2001:db8::1',
    '[]:80',
    'ci.test:80',
  ])('is not what is written %j', (text) => {
    expect(readAddress(text)).toBeUndefined();
  });
});

describe('X-Forwarded-For', () => {
  it.each([
    ['192.0.2.1', '192.0.2.1'],
    ['192.0.2.1:4711,[2001:db8::1]:80', '192.0.2.1, 2001:db8::1'],
    ['192.0.2.1, ,10.0.0.1,', '192.0.2.1, 10.0.0.1'],
    ['192.0.2.1, unknown, 10.0.0.1', '10.0.0.1'],
    ['192.0.2.1, unknown', undefined],
    ['', undefined],
  ])('%j is read as %j', (header, read) => {
    expect(readForwardedFor(header)).toBe(read);
  });
});
