/** One sentence, with the forge's or the plan's own words in brackets. */
export function sentence(what: string, detail: string): string {
  const words = detail.trim().replace(/\.$/, '');
  return words === '' ? `${what}.` : `${what} (${words}).`;
}
