/** What the load generator is told to do. */
export interface LoadPlan {
  readonly url: string;
  readonly token: string;
  readonly connections: number;
  /** Sent first, by the same process and connections: what both sides compile and open at first is not measured. */
  readonly unmeasured?: number;
  /** Requests measured; each connection takes the next one as soon as its last was answered. */
  readonly count: number;
  readonly work: EnqueueWork | ReadWork;
}

/** Adds jobs from templates, in the order of `queues`. */
export interface EnqueueWork {
  readonly kind: 'enqueue';
  readonly queues: readonly {
    readonly groupId: string;
    readonly templateId: string;
    readonly jobs: number;
  }[];
  /** Of their Idempotency-Keys: a job whose answer was lost is asked for again. Left out: without keys, and not repeated. */
  readonly keyPrefix?: string;
}

export interface ReadWork {
  readonly kind: 'read';
  readonly path: string;
}

export interface LoadResult {
  /** Of each request, in the order of their ends. */
  readonly durationsMs: Float64Array;
  /** From the first request to the last answer. */
  readonly spanMs: number;
  /** Time in which the generator itself worked; near `spanMs` it would be the bottleneck. */
  readonly generatorCpuMs: number;
  readonly errors: readonly string[];
}
