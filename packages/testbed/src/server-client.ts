import {
  type AddJobRequest,
  GroupWithStats,
  HistoryPage,
  Job,
  LoginResponse,
  Runner,
  WhyWaiting,
} from '@dispatchoor/api-contract';
import { Pool } from 'undici';
import { z } from 'zod';

/** A reply that hangs must not freeze whoever asks; the server answers all of these in milliseconds. */
const TIMEOUT_MS = 5_000;
const CONNECTIONS = 8;
const JOBS_PER_PAGE = 100;

/** The server did not answer, or not well (5xx): it is starting, ending, or was killed. Ask again later. */
export class ServerAway extends Error {}

/** What the server said instead of what was asked for. */
class ApiError extends Error {
  readonly status: number;

  constructor(request: string, status: number, text: string) {
    super(`${request}: ${status} ${text}`);
    this.status = status;
  }
}

interface Login {
  readonly username: string;
  readonly password: string;
}

export type NewJob = Partial<AddJobRequest>;

interface Reply {
  readonly status: number;
  readonly text: string;
}

interface Ask {
  readonly body?: object | undefined;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface ServerClientOptions {
  /** How long an answer may take; default: 5 seconds. */
  readonly timeoutMs?: number;
}

/** The server's HTTP API, used as a script would use it. Every method may throw `ServerAway`. */
export class ServerClient {
  readonly #pool: Pool;
  readonly #login: Login;
  readonly #timeoutMs: number;
  #token: Promise<string> | undefined;

  constructor(url: string, login: Login, { timeoutMs = TIMEOUT_MS }: ServerClientOptions = {}) {
    this.#pool = new Pool(url, { connections: CONNECTIONS });
    this.#login = login;
    this.#timeoutMs = timeoutMs;
  }

  /** Cuts what is still asked for. */
  async close(): Promise<void> {
    await this.#pool.destroy();
  }

  /** Of the session, which begins with the first request that needs it. */
  token(): Promise<string> {
    this.#token ??= this.#logIn();
    return this.#token;
  }

  async isReady(): Promise<boolean> {
    try {
      const { status } = await this.#request('GET', '/ready');
      return status < 300;
    } catch (error) {
      if (error instanceof ServerAway) return false;
      throw error;
    }
  }

  /** Prometheus text. */
  async metrics(): Promise<string> {
    return checked('GET /metrics', await this.#request('GET', '/metrics')).text;
  }

  async listGroups(): Promise<GroupWithStats[]> {
    return z.array(GroupWithStats).parse(await this.#call('GET', '/groups'));
  }

  /** Active and pending jobs, in the order in which they run. */
  async listQueue(groupId: string): Promise<Job[]> {
    return z.array(Job).parse(await this.#call('GET', `/groups/${groupId}/queue`));
  }

  async listRunners(): Promise<Runner[]> {
    return z.array(Runner).parse(await this.#call('GET', '/runners'));
  }

  async findJob(jobId: string): Promise<Job | undefined> {
    return Job.optional().parse(await this.#find(`/jobs/${jobId}`));
  }

  async findWhy(jobId: string): Promise<WhyWaiting | undefined> {
    return WhyWaiting.optional().parse(await this.#find(`/jobs/${jobId}/why`));
  }

  async listHistory(groupId: string): Promise<Job[]> {
    const jobs: Job[] = [];
    for (let before = ''; ; ) {
      const path = `/groups/${groupId}/history?limit=${JOBS_PER_PAGE}${before}`;
      const page = HistoryPage.parse(await this.#call('GET', path));
      jobs.push(...page.jobs);
      if (!page.has_more || page.next_cursor === undefined) return jobs;
      before = `&before=${encodeURIComponent(page.next_cursor)}`;
    }
  }

  /** Repeatable with the same key: the job is added once, and each call returns it. */
  async addJob(groupId: string, job: NewJob, idempotencyKey?: string): Promise<Job> {
    const headers = idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey };
    return Job.parse(await this.#call('POST', `/groups/${groupId}/queue`, { body: job, headers }));
  }

  async unpauseGroup(groupId: string): Promise<void> {
    await this.#call('POST', `/groups/${groupId}/unpause`);
  }

  async #find(path: string): Promise<unknown> {
    try {
      return await this.#call('GET', path);
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return undefined;
      throw error;
    }
  }

  async #call(method: 'GET' | 'POST', path: string, ask: Ask = {}): Promise<unknown> {
    const send = async (): Promise<Reply> => {
      const authorization = `Bearer ${await this.token()}`;
      const headers = { authorization, ...ask.headers };
      return this.#request(method, `/api/v1${path}`, { ...ask, headers });
    };
    let reply = await send();
    if (reply.status === 401) {
      this.#token = undefined;
      reply = await send();
    }
    return JSON.parse(checked(`${method} ${path}`, reply).text);
  }

  async #logIn(): Promise<string> {
    try {
      const reply = await this.#request('POST', '/api/v1/auth/login', { body: this.#login });
      const { text } = checked('POST /auth/login', reply);
      return LoginResponse.parse(JSON.parse(text)).token;
    } catch (error) {
      this.#token = undefined;
      throw error;
    }
  }

  async #request(
    method: 'GET' | 'POST',
    path: string,
    { body, headers }: Ask = {},
  ): Promise<Reply> {
    try {
      const { statusCode, body: answer } = await this.#pool.request({
        method,
        path,
        headers: { 'content-type': 'application/json', ...headers },
        body: body === undefined ? null : JSON.stringify(body),
        signal: AbortSignal.timeout(this.#timeoutMs),
      });
      return { status: statusCode, text: await answer.text() };
    } catch (error) {
      // It does not answer, or was killed in the middle of its reply.
      throw new ServerAway(`${method} ${path}`, { cause: error });
    }
  }
}

function checked(request: string, reply: Reply): Reply {
  const { status, text } = reply;
  if (status >= 500) throw new ServerAway(`${request}: ${status} ${text}`);
  if (status >= 300) throw new ApiError(request, status, text);
  return reply;
}
