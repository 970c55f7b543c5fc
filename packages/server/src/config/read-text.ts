import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';

/** Templates are some kB; more is a wrong file, or one made to stop us. */
export const MOST_TEMPLATE_BYTES = 1024 * 1024;
/** A configuration may hold all its templates. */
const MOST_CONFIG_BYTES = 16 * MOST_TEMPLATE_BYTES;

const { O_NONBLOCK, O_RDONLY } = constants;

/** Why a text cannot be used, with what to do. Holds nothing of what the text says. */
export class UnusableText extends Error {}

/** A configuration may come through a pipe, as from `--config /dev/stdin`. */
export function readConfigText(path: string): Promise<string> {
  return readText(path, O_RDONLY, MOST_CONFIG_BYTES);
}

/** Of a regular file only: a pipe might never end, or never begin. */
export function readTemplateText(path: string): Promise<string> {
  // Opening a pipe would wait for its writer.
  return readText(path, O_RDONLY | O_NONBLOCK, MOST_TEMPLATE_BYTES, refuseIrregular);
}

async function readText(
  path: string,
  flags: number,
  most: number,
  check?: (file: FileHandle) => Promise<void>,
): Promise<string> {
  const file = await open(path, flags);
  try {
    await check?.(file);
    return decodeUtf8(await collectBytes(file.createReadStream({ autoClose: false }), most));
  } finally {
    await file.close();
  }
}

async function refuseIrregular(file: FileHandle): Promise<void> {
  const stat = await file.stat();
  if (stat.isFile()) return;
  throw new UnusableText(stat.isDirectory() ? 'a folder; name a file in it' : 'no regular file');
}

/** All bytes of a source that may have no end. */
export async function collectBytes(
  source: AsyncIterable<Uint8Array>,
  most: number,
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of source) {
    bytes += chunk.length;
    if (bytes > most) throw new UnusableText(`more than ${String(most / (1024 * 1024))} MiB`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Throws `UnusableText` that names the encoding it seems to have, or the line that is not UTF-8. */
export function decodeUtf8(bytes: Uint8Array): string {
  const seems = nameOtherEncoding(bytes);
  if (seems !== undefined) throw new UnusableText(`not UTF-8 but ${seems}; save it as UTF-8`);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    const line = lineOfFirstFault(bytes);
    throw new UnusableText(
      `not UTF-8 in line ${String(line)}, perhaps Latin-1 or Windows-1252; save it as UTF-8`,
    );
  }
}

function nameOtherEncoding(bytes: Uint8Array): string | undefined {
  const [first, second, third, fourth] = bytes;
  const isLittle = first === 0xff && second === 0xfe;
  if (isLittle && third === 0 && fourth === 0) return 'UTF-32';
  if (isLittle || (first === 0xfe && second === 0xff)) return 'UTF-16';
  // Without a mark: every second byte of a plain text is zero. YAML has no use for a zero.
  return bytes.includes(0) ? 'UTF-16, UTF-32 or no text' : undefined;
}

/** Line breaks are one byte in UTF-8, and no part of another character. */
function lineOfFirstFault(bytes: Uint8Array): number {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let line = 1;
  for (let start = 0; start < bytes.length; line += 1) {
    const end = bytes.indexOf(0x0a, start);
    const stop = end === -1 ? bytes.length : end + 1;
    try {
      decoder.decode(bytes.subarray(start, stop));
    } catch {
      return line;
    }
    start = stop;
  }
  return line;
}
