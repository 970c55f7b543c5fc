import { describe, expect, it } from 'vitest';
import { mayPageAct, type Page } from './origin.ts';

const asked = (page: Partial<Page>, corsOrigins: string[] = []) =>
  mayPageAct({ site: undefined, origin: undefined, hosts: ['ci.test'], ...page }, corsOrigins);

const from = (origin: string, host = 'ci.test') => asked({ origin, hosts: [host] });

describe('whether a page may act', () => {
  it('is no question for programs, which send nothing of the kind', () => {
    expect(asked({})).toBe(true);
    expect(asked({}, ['https://ui.test'])).toBe(true);
  });

  it('is what the browser says, whatever the proxies made of the host', () => {
    const origin = 'https://ci.test';
    const hosts = ['127.0.0.1:9090'];
    expect(asked({ site: 'same-origin', origin, hosts })).toBe(true);
    expect(asked({ site: 'none', hosts })).toBe(true);
    // The same host at another port, or a neighbour under the same domain.
    expect(asked({ site: 'same-site', origin })).toBe(false);
    expect(asked({ site: 'cross-site', origin })).toBe(false);
    expect(asked({ site: 'cross-site' })).toBe(false);
    expect(asked({ site: 'SAME-ORIGIN', origin })).toBe(false);
  });

  it('follows from its origin and the host where the browser says no more', () => {
    expect(from('https://ci.test')).toBe(true);
    expect(from('https://CI.test', 'ci.test:443')).toBe(true);
    expect(from('http://[::1]:9090', '[::1]:9090')).toBe(true);
    expect(from('http://ci.test:3000', 'ci.test:3001')).toBe(false);
    expect(from('http://ci.test', 'ci.test:3000')).toBe(false);
    expect(asked({ origin: 'https://ci.test', hosts: ['127.0.0.1:9090', 'ci.test'] })).toBe(true);
  });

  it('is a yes at every port where a proxy passes the host on without it, as nginx’s $host', () => {
    expect(from('http://ci.test:3000')).toBe(true);
    expect(from('http://[::1]:3000', '[::1]')).toBe(true);
    expect(from('http://other.test:3000')).toBe(false);
  });

  it('is a no for what is of no host or of another one', () => {
    for (const origin of ['https://ci.test.evil', 'https://evil/ci.test', 'null', '', 'file://']) {
      expect(from(origin), origin).toBe(false);
    }
    expect(from('https://ci.test', '')).toBe(false);
  });

  it('is a yes where it is configured, exactly, or where all are', () => {
    const origin = 'https://ui.test';
    for (const site of [undefined, 'cross-site', 'same-site']) {
      expect(asked({ site, origin }, [origin])).toBe(true);
      expect(asked({ site, origin }, ['https://ui.test:8443'])).toBe(false);
      expect(asked({ site, origin }, ['*'])).toBe(true);
      expect(asked({ site, origin }, ['*', 'https://x.test'])).toBe(false);
    }
  });
});
