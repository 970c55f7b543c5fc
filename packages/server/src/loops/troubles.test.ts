import { describe, expect, it } from 'vitest';
import { Troubles } from './troubles.ts';

const refused = new Error('502');

describe('a trouble', () => {
  it('is news once, for each thing that has it', () => {
    const troubles = new Troubles();
    expect(troubles.levelOf('acme/app', refused)).toBe('warn');
    expect(troubles.levelOf('acme/app', refused)).toBe('debug');
    expect(troubles.levelOf('acme/web', refused)).toBe('warn');
  });

  it('of another kind is news, and the first stays told', () => {
    const troubles = new Troubles();
    troubles.levelOf('acme/app', refused);
    expect(troubles.levelOf('acme/app', new Error('reset'))).toBe('warn');
    expect(troubles.levelOf('acme/app', refused)).toBe('debug');
  });

  it('is news again once it was over, or nobody looks at the thing any more', () => {
    const troubles = new Troubles();
    for (const forget of [() => troubles.over('acme/app'), () => troubles.keepOnly(['acme/web'])]) {
      expect(troubles.levelOf('acme/app', refused)).toBe('warn');
      troubles.keepOnly(['acme/app']);
      expect(troubles.levelOf('acme/app', refused)).toBe('debug');
      forget();
    }
  });

  it('that is told anew each time is not told for ever', () => {
    const troubles = new Troubles();
    const levels = Array.from({ length: 100 }, (_, id) =>
      troubles.levelOf('acme/app', new Error(`request ${String(id)}`)),
    );
    expect(levels.filter((level) => level === 'warn')).toHaveLength(20);
  });
});
