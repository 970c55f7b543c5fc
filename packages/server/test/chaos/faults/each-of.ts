/** Runs `work` over all of `items`, `abreast` at a time; what fails is told at the end, all of it. */
export async function eachOf<T>(
  items: readonly T[],
  abreast: number,
  work: (item: T) => Promise<void>,
): Promise<string[]> {
  const waiting = [...items];
  const failures: string[] = [];
  const worker = async (): Promise<void> => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) {
      try {
        await work(item);
      } catch (error) {
        failures.push(error instanceof Error ? error.message : String(error));
      }
    }
  };
  await Promise.all(Array.from({ length: abreast }, worker));
  return failures;
}
