import { describe, expect, it } from 'vitest';
import { textOf } from './log-text.ts';
import { findLogLevel, makeLogger } from './logger.ts';
import { Secret } from './secret.ts';

function logged(write: (logger: ReturnType<typeof makeLogger>) => void): string {
  let text = '';
  const logger = makeLogger('info', { write: (line) => void (text += line) });
  write(logger);
  return text;
}

describe('the log', () => {
  it('never shows what stands under a secret key', () => {
    const text = logged((logger) => {
      logger.info(
        { token: 'abc', user: { password: 'def' }, a: { b: { secret: 'ghi' } } },
        'hello',
      );
    });
    expect(text).not.toMatch(/abc|def|ghi/);
    expect(text).toContain('***');
  });

  it('never shows one either in what a child carries, in an error, in a list or instead of a text', () => {
    const text = logged((logger) => {
      const child = logger.child({ cookie: 'abc', request: { authorization: 'def' } });
      child.info({ list: [{ deep: { deeper: { token: { value: 'ghi' } } } }] }, 'hello');
      child.error(
        { err: Object.assign(new Error('no'), { secret: 'jkl', status: 401 }) },
        'failed',
      );
      child.info({ password: 12345 }, 'hello');
    });
    expect(text).not.toMatch(/abc|def|ghi|jkl|12345/);
    expect(text.match(/\*\*\*/g)).toHaveLength(9);
    expect(text).toContain('"status":401');
  });

  it('shows no secret in what others wrote, whatever it stands under', () => {
    new Secret('a "known" secret');
    const line = logged((logger) => {
      logger.warn({ err: new Error('refused: a "known" secret') }, 'https://me:pw@h/?token=abc');
    });
    expect(line).not.toMatch(/known|pw|abc/);
    expect(JSON.parse(line)).toMatchObject({
      msg: 'https://***@h/?token=***',
      err: { message: 'refused: ***' },
    });
  });

  it('leaves a text alone that only speaks of a secret key', () => {
    const note = '{"token":"is a word"}';
    const line = logged((logger) => {
      logger.info({ note }, 'hello');
    });
    expect(JSON.parse(line)).toMatchObject({ note, msg: 'hello' });
  });

  it('takes the level names of the Go program, in any case', () => {
    expect(findLogLevel('Warning')).toBe('warn');
    expect(findLogLevel('PANIC')).toBe('fatal');
    expect(findLogLevel('loud')).toBeUndefined();
  });

  it('reads as one line of text, an error with its stack below', () => {
    const line = logged((logger) => {
      logger.warn({ scope: 'org:a', note: 'two words' }, 'runners not listed');
    });
    expect(textOf(line)).toMatch(/^\S+ WARN {2}runners not listed scope=org:a note="two words"\n$/);
    const failed = logged((logger) => {
      logger.error({ err: new Error('no') }, 'failed');
    });
    expect(textOf(failed)).toMatch(/failed err="no"\n {4}Error: no\n {4}/);
  });

  it('escapes what a terminal obeys and what turns a text around, as JSON and as text', () => {
    const foreign = 'a\u009b31mb\u202ec\u001b[2Jd\u007fe\u2028f\u2066g';
    const line = logged((logger) => {
      logger.warn({ foreign, err: new Error(foreign) }, 'told');
    });
    for (const text of [line, textOf(line)]) {
      expect(text).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028\u202e\u2066]/);
      expect(text).toContain('a\\u009b31mb\\u202ec');
    }
    expect(JSON.parse(line)).toMatchObject({ foreign });
  });

  it('begins no line with what a foreign message says', () => {
    const forged = '\n2026-11-30T00:00:00.000Z INFO  all is well';
    const line = logged((logger) => {
      logger.error({ err: new Error(`no${forged}`), forged }, `failed${forged}`);
    });
    expect(textOf(line)).not.toContain(forged);
  });

  it('shows no stack of an error that was expected', () => {
    const line = logged((logger) => {
      logger.warn({ err: Object.assign(new Error('forbidden'), { isExpected: true }) }, 'no');
    });
    expect(textOf(line)).toMatch(/no err="forbidden"\n$/);
    expect(line).not.toContain('stack');
  });
});

// Last: the secrets of these are known from then on.
describe('any line', () => {
  it.each([
    ['is a number of it', '12345678', { count: 12345678 }],
    ['is part of a number of it', '34567890', { size: 9934567890.5 }],
    ['is part of its syntax', '"level":', {}],
    ['spans a key and a value', '":"":"x"', { a: 'b":"":"x"' }],
    ['cannot be part of a URL', 'half of a pair: \ud800', {}],
  ])('is logged without a secret that %s, and logging it does not throw', (_, value, fields) => {
    new Secret(value);
    const line = logged((logger) => {
      logger.info({ ...fields, token: 'a short one' }, 'hello');
    });
    for (const text of [line, textOf(line)]) {
      expect(text).toContain('hello');
      expect(text.endsWith('\n')).toBe(true);
      expect(text).toContain('***');
      expect(text).not.toContain(value);
      expect(text).not.toContain('a short one');
    }
  });
});
