import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { textFrame } from './text-frame.ts';

/** By RFC 6455 §5.2; throws on anything but whole, unmasked text. */
function readFrames(bytes: Buffer): string[] {
  const read: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    expect(bytes[at]).toBe(0x81);
    const short = bytes.readUInt8(at + 1);
    at += 2;
    let length = short;
    if (short === 126) {
      length = bytes.readUInt16BE(at);
      at += 2;
    } else if (short === 127) {
      length = Number(bytes.readBigUInt64BE(at));
      at += 8;
    }
    read.push(bytes.toString('utf8', at, at + length));
    at += length;
    expect(at).toBeLessThanOrEqual(bytes.length);
  }
  return read;
}

describe('frames made once for all', () => {
  test.prop([fc.array(fc.string({ unit: 'grapheme', maxLength: 300 }), { maxLength: 5 })])(
    'are read as what was framed, also several in a row',
    (texts) => {
      expect(readFrames(Buffer.concat(texts.map(textFrame)))).toEqual(texts);
    },
  );

  it.for([0, 125, 126, 65_535, 65_536])('may hold %i bytes', (length) => {
    const text = 'x'.repeat(length);
    expect(readFrames(textFrame(text))).toEqual([text]);
  });
});
