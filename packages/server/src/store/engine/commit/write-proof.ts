import type { Clock } from '../../../lib/clock.ts';
import type { WriteTx } from '../../database.ts';
import type { Writer } from './writer.ts';

/** Leases are renewed every few seconds: only where none can be is a write of its own needed. */
const FRESH_MS = 5_000;
/** Who waits for a lock is told why before they stop listening. */
const KNOWN_FAULT_AFTER_MS = 500;

type ProvenWriter = Pick<Writer, 'fault' | 'takenAt' | 'write'>;

/** Health is that writes work: a full disk, a foreign lock and a server that became a standby let every read through. */
export class WriteProof {
  readonly #writer: ProvenWriter;
  readonly #clock: Clock;
  #trying: Promise<void> | undefined;

  constructor(writer: ProvenWriter, clock: Clock) {
    this.#writer = writer;
    this.#clock = clock;
  }

  /** Resolves if a write was taken in the last 5 s, or is now. Rejects with what stands in the way. */
  async require(): Promise<void> {
    const { fault, takenAt } = this.#writer;
    const isFresh = this.#clock.monotonic() - takenAt <= FRESH_MS;
    if (fault === undefined && isFresh) return;
    this.#trying ??= this.#try();
    if (fault === undefined) await this.#trying;
    else await this.#tryOr(this.#trying, fault);
  }

  async #tryOr(trying: Promise<void>, fault: Error): Promise<void> {
    const over = new AbortController();
    const late = this.#clock.sleep(KNOWN_FAULT_AFTER_MS, over.signal).then(() => {
      throw fault;
    });
    try {
      await Promise.race([trying, late]);
    } finally {
      over.abort();
    }
  }

  /** However many ask, one write is under way. */
  async #try(): Promise<void> {
    try {
      await this.#writer.write(proveWrite);
    } finally {
      this.#trying = undefined;
    }
  }
}

async function proveWrite({ db, now }: WriteTx): Promise<void> {
  await db
    .insertInto('write_proofs')
    .values({ id: 1, at: now })
    .onConflict((conflict) => conflict.column('id').doUpdateSet({ at: now }))
    .execute();
}
