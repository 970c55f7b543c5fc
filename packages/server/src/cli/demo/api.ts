import {
  GroupWithStats,
  HistoryPage,
  Job,
  LoginResponse,
  Runner,
  WhyWaiting,
} from '@dispatchoor/api-contract';
import { z } from 'zod';
import type { PlannedJob } from './load.ts';

/** A reply that hangs must not freeze the view; the server answers all of these in milliseconds. */
const TIMEOUT_MS = 5_000;
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

export interface Login {
  readonly username: string;
  readonly password: string;
}

/** The server's HTTP API, used as a script would use it. Every method may throw `ServerAway`. */
export class DemoApi {
  readonly #url: string;
  readonly #login: Login;
  #token: string | undefined;

  constructor(url: string, login: Login) {
    this.#url = url;
    this.#login = login;
  }

  async isReady(): Promise<boolean> {
    try {
      const response = await this.#fetch('GET', '/ready', {});
      return response.ok;
    } catch (error) {
      if (error instanceof ServerAway) return false;
      throw error;
    }
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
  async addJob(job: PlannedJob, idempotencyKey: string): Promise<Job> {
    const path = `/groups/${job.group.id}/queue`;
    const headers = { 'idempotency-key': idempotencyKey };
    return Job.parse(await this.#call('POST', path, job.request, headers));
  }

  async #find(path: string): Promise<unknown> {
    try {
      return await this.#call('GET', path);
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return undefined;
      throw error;
    }
  }

  async #call(method: string, path: string, body?: object, headers?: object): Promise<unknown> {
    const send = async (): Promise<Response> => {
      this.#token ??= await this.#logIn();
      const authorization = `Bearer ${this.#token}`;
      return this.#fetch(method, `/api/v1${path}`, {
        body,
        headers: { authorization, ...headers },
      });
    };
    let response = await send();
    if (response.status === 401) {
      this.#token = undefined;
      response = await send();
    }
    return readJson(`${method} ${path}`, response);
  }

  async #logIn(): Promise<string> {
    const response = await this.#fetch('POST', '/api/v1/auth/login', { body: this.#login });
    return LoginResponse.parse(await readJson('POST /auth/login', response)).token;
  }

  async #fetch(
    method: string,
    path: string,
    { body, headers }: { body?: object | undefined; headers?: object },
  ): Promise<Response> {
    try {
      return await fetch(`${this.#url}${path}`, {
        method,
        headers: { 'content-type': 'application/json', ...headers },
        body: body === undefined ? null : JSON.stringify(body),
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
    } catch (error) {
      throw new ServerAway(`${method} ${path}`, { cause: error });
    }
  }
}

async function readJson(request: string, response: Response): Promise<unknown> {
  let text: string;
  try {
    text = await response.text();
  } catch (error) {
    // Killed in the middle of its reply.
    throw new ServerAway(request, { cause: error });
  }
  if (response.status >= 500) throw new ServerAway(`${request}: ${response.status} ${text}`);
  if (!response.ok) throw new ApiError(request, response.status, text);
  return JSON.parse(text);
}
