import { expect, it } from 'vitest';
import { listenFault, urlOf } from './listening.ts';

const fault = (code: string) => listenFault(Object.assign(new Error(code), { code }), '', 9090);

it.each([
  ['EADDRINUSE', 'write another port'],
  ['EACCES', 'write one above 1023'],
  ['EADDRNOTAVAIL', 'write one that is, or :9090 for all'],
  ['EMFILE', 'EMFILE'],
])('says of %s: %s', (code, advice) => {
  expect(fault(code)).toContain(advice);
});

it.each([
  ['::', 'IPv6', 'http://localhost:9090'],
  ['0.0.0.0', 'IPv4', 'http://localhost:9090'],
  ['127.0.0.1', 'IPv4', 'http://127.0.0.1:9090'],
  ['::1', 'IPv6', 'http://[::1]:9090'],
])('is found at %s (%s) by %s', (address, family, url) => {
  expect(urlOf({ address, family, port: 9090 })).toBe(url);
});
