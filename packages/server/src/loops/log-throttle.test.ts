import { describe, expect, it } from 'vitest';
import { LogThrottle } from './log-throttle.ts';

const refused = new Error('502');

describe('a trouble', () => {
  it('is news once, for each thing that has it', () => {
    const logThrottle = new LogThrottle();
    expect(logThrottle.levelOf('acme/app', refused)).toBe('warn');
    expect(logThrottle.levelOf('acme/app', refused)).toBe('debug');
    expect(logThrottle.levelOf('acme/web', refused)).toBe('warn');
  });

  it('of another kind is news, and the first stays told', () => {
    const logThrottle = new LogThrottle();
    logThrottle.levelOf('acme/app', refused);
    expect(logThrottle.levelOf('acme/app', new Error('reset'))).toBe('warn');
    expect(logThrottle.levelOf('acme/app', refused)).toBe('debug');
  });

  it('is news again once it was over, or nobody looks at the thing any more', () => {
    const logThrottle = new LogThrottle();
    for (const forget of [
      () => logThrottle.over('acme/app'),
      () => logThrottle.keepOnly(['acme/web']),
    ]) {
      expect(logThrottle.levelOf('acme/app', refused)).toBe('warn');
      logThrottle.keepOnly(['acme/app']);
      expect(logThrottle.levelOf('acme/app', refused)).toBe('debug');
      forget();
    }
  });

  it('that is told anew each time is not told for ever', () => {
    const logThrottle = new LogThrottle();
    const levels = Array.from({ length: 100 }, (_, id) =>
      logThrottle.levelOf('acme/app', new Error(`request ${String(id)}`)),
    );
    expect(levels.filter((level) => level === 'warn')).toHaveLength(20);
  });
});
