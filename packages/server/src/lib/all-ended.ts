/**
 * As `Promise.all`, but resolves or rejects only when both have ended: whoever comes next meets nothing that is still at work.
 *
 * @throws the error of the first in the list that failed
 */
export async function allEnded<A, B>(both: [Promise<A>, Promise<B>]): Promise<[A, B]> {
  await Promise.allSettled(both);
  return Promise.all(both);
}
