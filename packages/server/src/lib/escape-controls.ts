/**
 * Control characters (C0 but for tab and line break, DEL, C1), which a terminal obeys; line and paragraph separators;
 * marks that turn the direction of a text or cannot be seen, so that it reads as another.
 */
const HIDDEN =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

/** Each of them as its number, such as `\u009b`, which is also how JSON writes it. */
export function escapeControls(text: string): string {
  return text.replace(
    HIDDEN,
    (hidden) => `\\u${hidden.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
