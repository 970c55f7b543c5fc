import { describe, expect, it } from 'vitest';
import { isOriginAllowed } from './origin.ts';

const asked = (origin: string | undefined, corsOrigins: string[] = [], host = 'ci.test') =>
  isOriginAllowed({ origin, host }, corsOrigins);

describe('the origin of a WebSocket (defect #20)', () => {
  it('may be missing: programs send none', () => {
    expect(asked(undefined)).toBe(true);
    expect(asked(undefined, ['https://ui.test'])).toBe(true);
  });

  it('may be the host itself, whether or not a default port is written out', () => {
    expect(asked('https://ci.test')).toBe(true);
    expect(asked('https://CI.test', [], 'ci.test:443')).toBe(true);
    expect(asked('https://ci.test', ['https://ui.test'])).toBe(true);
    expect(asked('http://[::1]:9090', [], '[::1]:9090')).toBe(true);
  });

  it('may not be another host, port or page without one', () => {
    for (const origin of ['https://ci.test.evil', 'https://ci.test:8443', 'null', '', 'file://']) {
      expect(asked(origin)).toBe(false);
    }
  });

  it('may be one that is configured, exactly, or any when all are', () => {
    expect(asked('https://ui.test', ['https://ui.test'])).toBe(true);
    expect(asked('https://ui.test', ['https://ui.test:8443'])).toBe(false);
    expect(asked('https://ui.test', ['*'])).toBe(true);
    expect(asked('https://ui.test', ['*', 'https://x.test'])).toBe(false);
  });
});
