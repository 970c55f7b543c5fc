/** Waits for all to their end, whatever becomes of the others; then throws what any of them threw. */
export async function untilAllSettled(work: readonly Promise<void>[]): Promise<void> {
  const settled = await Promise.allSettled(work);
  const errors: unknown[] = settled.flatMap((each) =>
    each.status === 'rejected' ? [each.reason as unknown] : [],
  );
  if (errors.length > 0) throw new AggregateError(errors, errors.join('; '));
}
