import { listKnownSecrets } from './secret.ts';

const HIDDEN = '***';

/** Name and password of a URL. It starts at the `://`, so a long text without one costs a single look. */
const USER_INFO = /(:\/\/)[^\s/?#"'<>\\]+@/g;

/** Parameters of a URL whose name says that they let somebody in. */
const SECRET_PARAMETER =
  /([?&](?:[\w.-]{0,40}(?:token|secret|passw|signature|credential|api[_-]?key)[\w.-]{0,40}|auth|jwt|key|pwd|sig)=)[^&#\s"'<>\\]+/gi;

/**
 * For text that others wrote or that quotes what they wrote: answers of a forge, addresses, error texts of libraries.
 *
 * @returns the text with `***` for each secret of this process, plainly or as JSON and URLs write it, and for what
 *   URLs in it hold of name, password or token
 */
export function redact(text: string): string {
  return redactUrls(redactKnown(text));
}

/** Only what stands in URLs, known or not. */
export function redactUrls(text: string): string {
  if (!text.includes('://') && !text.includes('=')) return text;
  return text.replace(USER_INFO, `$1${HIDDEN}@`).replace(SECRET_PARAMETER, `$1${HIDDEN}`);
}

let known: { readonly of: readonly string[]; readonly pattern: RegExp | undefined } | undefined;

function redactKnown(text: string): string {
  const values = listKnownSecrets();
  if (known?.of !== values) known = { of: values, pattern: patternOf(values) };
  return known.pattern === undefined ? text : text.replace(known.pattern, HIDDEN);
}

function patternOf(values: readonly string[]): RegExp | undefined {
  const forms = values.flatMap((value) => [
    value,
    JSON.stringify(value).slice(1, -1),
    // It throws on half of a surrogate pair.
    encodeURIComponent(value.toWellFormed()),
  ]);
  // The longest first: one secret may begin with another.
  const sorted = [...new Set(forms)].sort((a, b) => b.length - a.length);
  return sorted.length === 0 ? undefined : new RegExp(sorted.map(escaped).join('|'), 'g');
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, String.raw`\$&`);
}
