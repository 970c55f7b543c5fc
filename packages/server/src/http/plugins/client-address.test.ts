import { describe, expect, it } from 'vitest';
import { openTestApp } from '../app.testkit.ts';

const MOST = 2;
const rateLimit = {
  ...{ isEnabled: true, authPerMinute: MOST, publicPerMinute: MOST },
  authenticatedPerMinute: MOST,
};

interface Parts {
  readonly trustedProxies?: string[];
  readonly isEnabled?: boolean;
}

async function open({ trustedProxies = ['10.0.0.0/8'], isEnabled = true }: Parts = {}) {
  const test = await openTestApp({
    options: { rateLimit: { ...rateLimit, isEnabled }, trustedProxies },
  });
  const ask = async (forwardedFor: string, remoteAddress = '10.0.0.1'): Promise<number> => {
    const headers = { 'x-forwarded-for': forwardedFor };
    return (await test.app.inject({ url: '/health', headers, remoteAddress })).statusCode;
  };
  const warnings = (): string[] =>
    test
      .logged()
      .split('\n')
      .filter((line) => line.includes('proxy not trusted'));
  return { ...test, ask, warnings };
}

describe('one client behind a trusted proxy', () => {
  it.each([
    ['with another port each time', ['192.0.2.1:1', '192.0.2.1:2', '192.0.2.1:3']],
    ['mapped to IPv6 or not', ['192.0.2.1', '::ffff:192.0.2.1', '[::ffff:c000:201]:3']],
    ['in brackets or not', ['2001:db8::1', '[2001:DB8::1]', '[2001:db8:0::1]:3']],
    // Else who writes nonsense has a fresh limit with each of it.
    ['that is no address, and counts as the proxy', ['unknown', '_a', '192.0.2.7, _b']],
    ['that hides behind what is no address', ['192.0.2.1, _a', '192.0.2.2, _a', '192.0.2.3, _a']],
  ])('%s has one limit', async (_what, [first = '', second = '', third = '']) => {
    const { ask } = await open();
    expect([await ask(first), await ask(second), await ask(third)]).toEqual([200, 200, 429]);
    expect(await ask('192.0.2.99')).toBe(200);
  });

  it('has it too where the kernel shows the proxy mapped to IPv6', async () => {
    const { ask } = await open();
    const proxy = '::ffff:10.0.0.1';
    const statuses = [];
    for (const port of [1, 2, 3]) statuses.push(await ask(`192.0.2.1:${port}`, proxy));
    expect(statuses).toEqual([200, 200, 429]);
  });

  it('is logged as the address that it is counted by', async () => {
    const { ask, logged } = await open();
    await ask('[::ffff:192.0.2.1]:4711');
    await ask('', '::ffff:10.0.0.1');
    expect(logged()).toContain('"ip":"192.0.2.1"');
    expect(logged()).toContain('"ip":"10.0.0.1"');
  });
});

describe('a proxy that is not trusted while limits are on', () => {
  it('is told with the key to set, once', async () => {
    const { ask, warnings } = await open({ trustedProxies: [] });
    for (let i = 0; i < 3; i += 1) await ask('192.0.2.1');
    expect(warnings()).toHaveLength(1);
    expect(warnings()[0]).toContain('"level":40');
    for (const name of ['10.0.0.1', 'server.trusted_proxies', 'X-Forwarded-For']) {
      expect(warnings()[0]).toContain(name);
    }
  });

  it('is told beside one that is', async () => {
    const { ask, warnings } = await open();
    for (const header of ['192.0.2.1', 'unknown', '', ' ,']) await ask(header);
    expect(warnings()).toEqual([]);
    await ask('192.0.2.1', '172.16.0.9');
    expect(warnings()[0]).toContain('172.16.0.9');
  });

  it('is told too after somebody else had claimed to be one, who cannot fill the log', async () => {
    const { ask, warnings } = await open({ trustedProxies: [] });
    await ask('192.0.2.1', '203.0.113.5');
    await ask('192.0.2.1', '10.0.0.1');
    for (let i = 0; i < 20; i += 1) await ask('192.0.2.1', `203.0.113.${i + 100}`);
    expect(warnings()).toHaveLength(5);
    expect(warnings()[1]).toContain('10.0.0.1');
  });

  it('is nobody’s business while they are off', async () => {
    const { ask, warnings } = await open({ trustedProxies: [], isEnabled: false });
    await ask('192.0.2.1');
    expect(warnings()).toEqual([]);
  });
});
