const FIN_TEXT = 0x81;
const LENGTH_IN_16_BITS = 126;
const LENGTH_IN_64_BITS = 127;

/**
 * One unmasked text frame of a server (RFC 6455 §5.2). Made once, it is written to every socket as it is: framing
 * each message anew for each of a thousand clients costs more than all the rest.
 */
export function textFrame(text: string): Buffer {
  const length = Buffer.byteLength(text);
  const start = headerLength(length);
  const frame = Buffer.allocUnsafe(start + length);
  frame[0] = FIN_TEXT;
  if (start === 2) {
    frame[1] = length;
  } else if (start === 4) {
    frame[1] = LENGTH_IN_16_BITS;
    frame.writeUInt16BE(length, 2);
  } else {
    frame[1] = LENGTH_IN_64_BITS;
    frame.writeBigUInt64BE(BigInt(length), 2);
  }
  frame.write(text, start);
  return frame;
}

function headerLength(length: number): 2 | 4 | 10 {
  if (length < LENGTH_IN_16_BITS) return 2;
  return length <= 0xff_ff ? 4 : 10;
}
