import { describe, expect, it } from 'vitest';
import { until } from './until.ts';

describe('waiting in vain', () => {
  it('says what was seen last, and how the limits of the forge stand', async () => {
    const rateLimits = () => [{ login: 'release-bot', remaining: 0 }];
    const waiting = until(
      () => 'queued',
      () => false,
      { what: 'job done', timeoutMs: 0, rateLimits },
    );
    await expect(waiting).rejects.toThrow(
      'not in 0 ms: job done; rate limits: [{"login":"release-bot","remaining":0}]; last seen: "queued"',
    );
  });
});
