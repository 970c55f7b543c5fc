/** What is sent with a job, and by what two jobs are told to send the same. */
import { createHash } from 'node:crypto';
import type { StringMap } from '../../domain/job.ts';

/** A job's inputs as they are sent, with the attempt's id in the one that carries it. */
export function inputsWith(
  inputs: StringMap | null,
  correlationInput: string | null,
  attemptId: string,
): StringMap {
  return correlationInput === null ? { ...inputs } : { ...inputs, [correlationInput]: attemptId };
}

/** Equal for equal inputs, whatever their order and the attempt that sends them. */
export function hashOf(inputs: StringMap | null, correlationInput: string | null): string {
  const own = Object.entries(inputs ?? {}).filter(([name]) => name !== correlationInput);
  const sorted = own.sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash('sha256').update(JSON.stringify(sorted)).digest('hex');
}
