/** Forge ids are text inside and numbers on the wire; 0 for one that is no number, rather than no answer at all. */
export function forgeNumber(id: string): number {
  const number = Number(id);
  return Number.isSafeInteger(number) ? number : 0;
}
