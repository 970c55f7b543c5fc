/** A thread with a connection of its own: see `Checkpoints`. */
import { DatabaseSync } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';

/**
 * - `passive`: copies what it can without anybody waiting
 * - `restart`: what is left too, so that the log begins anew; a writer that comes meanwhile is held up
 */
export type CheckpointMode = 'passive' | 'restart';

export type CheckpointReply =
  | {
      /** How long the log is now, in pages of 4 KiB. */
      readonly logPages: number;
    }
  | { readonly error: string };

const path: unknown = workerData;
// A writer that is at it is not waited for: the next checkpoint comes soon.
const db = new DatabaseSync(String(path), { timeout: 0 });

parentPort?.on('message', (mode: CheckpointMode) => {
  parentPort?.postMessage(checkpoint(mode));
});

function checkpoint(mode: CheckpointMode): CheckpointReply {
  try {
    const row = db.prepare(`pragma wal_checkpoint(${mode})`).get();
    return { logPages: Number(row?.['log'] ?? 0) };
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) };
  }
}
