import { randomFillSync } from 'node:crypto';

const RANDOM_BYTES = 8;
/** Drawn for many ids at a time: each draw costs more than all the rest of an id. */
const drawn = Buffer.alloc(RANDOM_BYTES * 128);
let used = drawn.length;

let lastMs = 0;
let counter = 0;

/**
 * A UUIDv7 (RFC 9562 §5.7): sortable by the time it was made. Ids made in the same millisecond by one process
 * keep their order too: the 12 bits after the time count up (method 1 of §6.2).
 *
 * @param now epoch milliseconds
 */
export function uuidv7(now: number): string {
  if (now > lastMs) {
    lastMs = now;
    counter = 0;
  } else {
    counter += 1;
    if (counter > 0xfff) {
      lastMs += 1;
      counter = 0;
    }
  }
  const bytes = Buffer.alloc(16);
  drawRandom(bytes, 8);
  bytes.writeUIntBE(lastMs, 0, 6);
  bytes.writeUInt16BE(0x7000 | counter, 6);
  bytes.writeUInt8(0x80 | (bytes.readUInt8(8) & 0x3f), 8);
  const hex = bytes.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

function drawRandom(target: Buffer, offset: number): void {
  if (used === drawn.length) {
    randomFillSync(drawn);
    used = 0;
  }
  drawn.copy(target, offset, used, used + RANDOM_BYTES);
  used += RANDOM_BYTES;
}
