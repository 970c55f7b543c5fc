/**
 * A text of a forge as both databases keep it. JSON can say two things that PostgreSQL cannot store: U+0000, which is left
 * out (nothing else is lost with it), and half of a surrogate pair, which stands for no sign and becomes U+FFFD. Stored by
 * SQLite it would be read as something else, and whatever bears it would have changed at every look.
 */
export function storableText(text: string): string {
  return text.replaceAll('\u0000', '').toWellFormed();
}
