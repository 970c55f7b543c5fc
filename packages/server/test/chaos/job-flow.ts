import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { ErrorBody, Job } from '@dispatchoor/api-contract';
import type { ServerProcess } from '../processes/server-process.ts';
import type { Site } from '../processes/site.ts';

/** Clients of a server that does not answer turn to another one after so long. */
const PATIENCE_MS = 60_000;
const TRY_AGAIN_MS = 100;

export interface FlowOptions {
  /** Who is asked in turn, now. */
  readonly servers: () => readonly ServerProcess[];
  /** Between two new jobs. */
  readonly everyMs: number;
  readonly inputs?: Readonly<Record<string, string>>;
}

/** An answer to a new job that was no 201. */
export interface Refusal {
  readonly server: string;
  /** 0: no answer at all. */
  readonly status: number;
  readonly code: string;
  readonly message: string;
  readonly tookMs: number;
}

/**
 * Jobs that come in all the time, at whatever server answers. Each bears an Idempotency-Key and is sent again until
 * it gets its 201, as a careful client does: an answer that is lost makes no second job.
 */
export class JobFlow {
  readonly refusals: Refusal[] = [];
  readonly #site: Site;
  readonly #options: FlowOptions;
  readonly #jobs: Promise<Job>[] = [];
  readonly #running: Promise<void>;
  readonly #isEnough = new AbortController();
  #turn = 0;

  constructor(site: Site, options: FlowOptions) {
    this.#site = site;
    this.#options = options;
    this.#running = this.#run();
  }

  /** No further job is begun. @returns all of them, once each has its 201 */
  async end(): Promise<Job[]> {
    this.#isEnough.abort();
    await this.#running;
    return Promise.all(this.#jobs);
  }

  async #run(): Promise<void> {
    const { signal } = this.#isEnough;
    for (let number = 1; !signal.aborted; number += 1) {
      this.#jobs.push(this.#add(`flow ${number}`));
      await wait(this.#options.everyMs, undefined, { signal }).catch(() => undefined);
    }
  }

  async #add(note: string): Promise<Job> {
    const ask = {
      method: 'POST',
      body: { template_id: 'build', inputs: { ...this.#options.inputs, note } },
      headers: { 'idempotency-key': randomUUID() },
      timeoutMs: PATIENCE_MS,
    };
    for (;;) {
      const server = this.#next();
      const startedAt = performance.now();
      this.#site.ask(server);
      const reply = await this.#site.api
        .ask('/api/v1/groups/linux/queue', ask)
        .catch((error: unknown) => ({ status: 0, text: String(error) }));
      if (reply.status === 201) return Job.parse(JSON.parse(reply.text));
      const tookMs = performance.now() - startedAt;
      this.refusals.push({ server: server.name, tookMs, ...describe(reply) });
      await wait(TRY_AGAIN_MS);
    }
  }

  #next(): ServerProcess {
    const servers = this.#options.servers();
    this.#turn += 1;
    const server = servers[this.#turn % servers.length];
    if (server === undefined) throw new Error('no server to ask');
    return server;
  }
}

function describe({ status, text }: { status: number; text: string }): {
  status: number;
  code: string;
  message: string;
} {
  if (status === 0) return { status, code: '', message: text };
  const { error, code } = ErrorBody.parse(JSON.parse(text));
  return { status, code: code ?? '', message: error };
}
