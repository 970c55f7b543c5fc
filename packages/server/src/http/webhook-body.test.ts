import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { FakeClock } from '../lib/clock.testkit.ts';
import { WebhookBodies } from './webhook-body.ts';

const KIB = 1024;

function open() {
  const clock = new FakeClock();
  const bodies = new WebhookBodies(clock);
  const begin = () => {
    const raw = new PassThrough({ highWaterMark: 64 * KIB * KIB });
    const ended = bodies.read(
      raw,
      () => undefined,
      async ({ length }) => length,
    );
    // Looked at by those that fail; the others are settled when the test is over.
    ended.catch(() => undefined);
    return { raw, ended };
  };
  return { clock, begin };
}

describe('the bodies of webhooks', () => {
  it('are read in whatever pieces they come', async () => {
    const { begin, clock } = open();
    const { raw, ended } = begin();
    raw.write('Hello, ');
    raw.end('World!');
    expect(await ended).toBe(13);
    expect(clock.pendingTimers).toBe(0);
  });

  it('are given up after 10 s', async () => {
    const { begin, clock } = open();
    const { raw, ended } = begin();
    raw.write('{');
    await clock.advance(9_999);
    raw.write('{');
    await clock.advance(1);
    await expect(ended).rejects.toMatchObject({ statusCode: 408, code: 'body-too-slow' });
    expect(raw.listenerCount('data')).toBe(0);
  });

  it('end with their sender', async () => {
    const { begin } = open();
    const { raw, ended } = begin();
    raw.write('{');
    raw.destroy();
    await expect(ended).rejects.toMatchObject({ statusCode: 400, code: 'aborted' });
  });

  it('push the oldest out when 256 have not come to their end', async () => {
    const { begin } = open();
    const slow = Array.from({ length: 256 }, begin);
    const { raw, ended } = begin();
    await expect(slow[0]?.ended).rejects.toMatchObject({ statusCode: 503, code: 'busy' });
    raw.end('{}');
    expect(await ended).toBe(2);
    slow[1]?.raw.end('{}');
    expect(await slow[1]?.ended).toBe(2);
  });

  it('that are small come through while large ones hold all that may be held', async () => {
    const { begin } = open();
    const large = Array.from({ length: 4 }, begin);
    for (const { raw } of large) raw.write(Buffer.alloc(17 * KIB * KIB));
    await expect(large[3]?.ended).rejects.toMatchObject({ statusCode: 503, code: 'busy' });
    const small = begin();
    small.raw.end(Buffer.alloc(100 * KIB));
    expect(await small.ended).toBe(100 * KIB);
  });

  it('cost more than their bytes: pieces of one byte cannot fill the memory', async () => {
    const { begin } = open();
    const { raw, ended } = begin();
    const piece = Buffer.alloc(1);
    for (let i = 0; i < 264_000; i += 1) raw.emit('data', piece);
    await expect(ended).rejects.toMatchObject({ statusCode: 503, code: 'busy' });
  });
});
