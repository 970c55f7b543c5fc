import type { Job } from '@dispatchoor/api-contract';
import { type JobFact, KEY_INPUT } from '../summary/facts.ts';
import type { Span } from '../summary/spans.ts';
import { seconds } from '../views/text.ts';
import type { PlannedJob } from './plan.ts';

interface Entry {
  readonly planned: PlannedJob;
  readonly acceptedAt: number;
  readonly pausedSpans: Span[];
  /** As last seen; undefined: the server does not know it. */
  job: Job | undefined;
  pausedSince: number | undefined;
}

const ENDED = new Set<Job['status']>(['completed', 'failed', 'cancelled']);

/** The jobs that the demo has added, as the server last showed them. Times are epoch ms. */
export class JobBook {
  readonly #entries = new Map<string, Entry>();
  #lastEndAt = 0;

  accept(planned: PlannedJob, job: Job, acceptedAt: number): void {
    const entry = { planned, acceptedAt, pausedSpans: [], job, pausedSince: undefined };
    this.#entries.set(job.id, entry);
    this.#lastEndAt = acceptedAt;
  }

  /** @returns what has happened to it since it was last seen, if it is one of ours */
  see(jobId: string, job: Job | undefined, options: { isPaused: boolean; now: number }): string[] {
    const entry = this.#entries.get(jobId);
    if (entry === undefined) return [];
    const before = entry.job;
    entry.job = job;
    notePause(entry, options);
    if (job?.status === before?.status) return [];
    if (job === undefined) return [`${entry.planned.key}: the server does not know it any more`];
    if (ENDED.has(job.status)) this.#lastEndAt = options.now;
    return [storyOf(job)];
  }

  /** Not ended, as far as is known. */
  listOpenIds(): string[] {
    return [...this.#entries]
      .filter(([, { job }]) => job !== undefined && !ENDED.has(job.status))
      .map(([id]) => id);
  }

  has(jobId: string): boolean {
    return this.#entries.has(jobId);
  }

  get accepted(): number {
    return this.#entries.size;
  }

  get pending(): number {
    return this.#count((job) => job?.status === 'pending');
  }

  /** Whatever their end. */
  get ended(): number {
    return this.#count((job) => job === undefined || ENDED.has(job.status));
  }

  /** When the last job was seen to end; before the first: when the last was accepted. */
  get lastEndAt(): number {
    return this.#lastEndAt;
  }

  facts(now: number): JobFact[] {
    return [...this.#entries].map(([jobId, entry]) => {
      notePause(entry, { isPaused: false, now });
      const { planned, acceptedAt, pausedSpans, job } = entry;
      return {
        key: planned.key,
        jobId,
        labels: planned.group.labels,
        priority: planned.priority,
        acceptedAt,
        pausedSpans,
        status: job?.status ?? 'unknown',
        runId: job?.run_id ?? null,
      };
    });
  }

  #count(matches: (job: Job | undefined) => boolean): number {
    return [...this.#entries.values()].filter(({ job }) => matches(job)).length;
  }
}

function notePause(entry: Entry, { isPaused, now }: { isPaused: boolean; now: number }): void {
  if (isPaused) entry.pausedSince ??= now;
  else if (entry.pausedSince !== undefined) {
    entry.pausedSpans.push({ from: entry.pausedSince, to: now });
    entry.pausedSince = undefined;
  }
}

/** `job-012`; the id's end for a job that is not the demo's. */
export function jobKey({ id, inputs }: Pick<Job, 'id' | 'inputs'>): string {
  const key = inputs?.[KEY_INPUT] ?? '';
  return key === '' ? id.slice(-8) : key;
}

/** `job-012 geth/prysm` */
export function jobLabel(job: Pick<Job, 'id' | 'inputs'>): string {
  const { 'el-client': el = '?', 'cl-client': cl = '?' } = job.inputs ?? {};
  return `${jobKey(job)} ${el}/${cl}`;
}

function storyOf(job: Job): string {
  const label = jobLabel(job);
  const where = job.runner_name === '' ? '' : ` on ${job.runner_name}`;
  switch (job.status) {
    case 'pending':
      return `${label} waits again`;
    case 'triggered':
      return `${label} dispatched, priority ${job.priority}`;
    case 'running':
      return `${label} runs${where}`;
    case 'completed':
    case 'cancelled':
      return `${label} ${job.status}${where}${tookText(job)}`;
    case 'failed':
      return `${label} FAILED${where}${tookText(job)}: ${job.error_message}`;
  }
}

function tookText({ triggered_at: from, completed_at: to }: Job): string {
  if (from === null || to === null) return '';
  return `, ${seconds(Date.parse(to) - Date.parse(from))} after its dispatch`;
}
