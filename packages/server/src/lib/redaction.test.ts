import { describe, expect, it } from 'vitest';
import { redact, redactUrls } from './redaction.ts';
import { Secret } from './secret.ts';

const plain = 'ghp_0123456789abcdef';
const odd = 'p"a\\ss+w/ö rd';
new Secret(plain);
new Secret(odd);
new Secret(`${plain}_longer`);

describe('a text that others wrote', () => {
  it.each([
    ['a known secret', `no user for Bearer ${plain}!`, 'no user for Bearer ***!'],
    ['one that begins like another', `${plain}_longer`, '***'],
    ['one with signs that mean something to patterns', `<${odd}>`, '<***>'],
    ['one as JSON writes it', JSON.stringify({ note: odd }), '{"note":"***"}'],
    ['one as a URL writes it', `/x?q=${encodeURIComponent(odd)}&r=1`, '/x?q=***&r=1'],
    ['name and password of a URL', 'GET https://me:pw@h/x failed', 'GET https://***@h/x failed'],
    ['a token as the name', 'postgres://x-access-token@h', 'postgres://***@h'],
    [
      'a token in a URL',
      'https://h/x?a=1&access_token=abc#d',
      'https://h/x?a=1&access_token=***#d',
    ],
    [
      'a signature in a URL',
      '"https://h/x?X-Amz-Signature=ab12"',
      '"https://h/x?X-Amz-Signature=***"',
    ],
  ])('loses %s', (_, text, shown) => {
    expect(redact(text)).toBe(shown);
  });

  it.each([
    'https://h/x?author=me&page=2',
    'mail me@example.com about https://h/x',
    'a == b, key=value',
  ])('is left as it is where it holds none: %s', (text) => {
    expect(redact(text)).toBe(text);
    expect(redactUrls(text)).toBe(text);
  });

  it('keeps words that are a short password of somebody', () => {
    new Secret('admin');
    expect(redact('admin logged in')).toBe('admin logged in');
  });

  it('of a megabyte without a blank is looked through once', () => {
    const text = `a=${'a'.repeat(1_000_000)}`;
    expect(redact(text)).toBe(text);
    const urls = `${'a://b'.repeat(200_000)}?${'token'.repeat(100_000)}`;
    expect(redact(urls)).toBe(urls);
  });
});
