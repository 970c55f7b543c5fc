import type { Job } from '@dispatchoor/api-contract';
import type { Random } from '@dispatchoor/forge-sim';
import type { NewJob } from '../harness/api.ts';
import type { Site } from '../processes/site.ts';

/** Jobs with a `note` of their own, and how long their runs take. */
export function planJobs(
  random: Random,
  count: number,
  durationMs: readonly [number, number],
): NewJob[] {
  return Array.from({ length: count }, (_, index) => ({
    template_id: 'build',
    inputs: { note: `job ${index + 1}`, 'duration-ms': String(random.within(durationMs)) },
  }));
}

/** Adds jobs to servers that die meanwhile: what nobody answered is asked again by the same `Idempotency-Key`. */
export class Load {
  /** What a 201 has promised. */
  readonly accepted: Job[] = [];
  readonly #site: Site;
  readonly #waiting: NewJob[];

  constructor(site: Site, jobs: readonly NewJob[]) {
    this.#site = site;
    this.#waiting = [...jobs];
  }

  /** The next `count` of them; rejects at the first one that is not answered, which stays the next. */
  async add(count = this.#waiting.length): Promise<void> {
    for (let added = 0; added < count; added += 1) {
      const [job] = this.#waiting;
      if (job === undefined) return;
      const key = { 'idempotency-key': (job.inputs?.['note'] ?? '').replaceAll(' ', '-') };
      this.accepted.push(await this.#site.api.enqueue('linux', job, key));
      this.#waiting.shift();
    }
  }
}
