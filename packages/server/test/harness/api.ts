import {
  type AddJobRequest,
  Group,
  GroupWithStats,
  HistoryPage,
  Job,
  JobTemplate,
  LoginResponse,
  Runner,
  Status,
  WhyWaiting,
} from '@dispatchoor/api-contract';
import { z } from 'zod';

export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

export interface Ask {
  readonly method?: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** After so long the caller goes away; default: never. */
  readonly timeoutMs?: number;
}

/** What a script sends to add a job; the rest has its defaults. */
export type NewJob = Partial<AddJobRequest>;

/** The server as a script sees it: HTTP and a token, nothing else. Every reply is held against the contract's schema. */
export class Api {
  readonly #url: () => string;
  /** Of every login so far: none of them may show in a log. */
  readonly tokens: string[] = [];
  /** Every job that a 201 has promised. */
  readonly added = new Set<string>();
  /** Those of them that were deleted again. */
  readonly deleted = new Set<string>();
  #token = '';

  constructor(url: () => string) {
    this.#url = url;
  }

  async ask(path: string, { method = 'GET', body, headers, timeoutMs }: Ask = {}): Promise<Reply> {
    const response = await fetch(`${this.#url()}${path}`, {
      method,
      headers: { authorization: `Bearer ${this.#token}`, ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(timeoutMs === undefined ? {} : { signal: AbortSignal.timeout(timeoutMs) }),
    });
    return {
      status: response.status,
      headers: response.headers,
      text: await response.text(),
    };
  }

  /** Throws on any other status than `expected`. */
  async get<T extends z.ZodType>(
    schema: T,
    path: string,
    ask: Ask = {},
    expected = 200,
  ): Promise<z.infer<T>> {
    const { status, text } = await this.ask(`/api/v1${path}`, ask);
    if (status !== expected) {
      throw new Error(`${ask.method ?? 'GET'} ${path}: ${status} instead of ${expected}: ${text}`);
    }
    return schema.parse(JSON.parse(text));
  }

  async login(username = 'admin', password = 'correct horse'): Promise<void> {
    const body = { username, password };
    const { token } = await this.get(LoginResponse, '/auth/login', { method: 'POST', body });
    this.tokens.push(token);
    this.#token = token;
  }

  async enqueue(groupId: string, job: NewJob, headers: Ask['headers'] = {}): Promise<Job> {
    const path = `/groups/${groupId}/queue`;
    const added = await this.get(Job, path, { method: 'POST', body: job, headers }, 201);
    this.added.add(added.id);
    return added;
  }

  job(id: string): Promise<Job> {
    return this.get(Job, `/jobs/${id}`);
  }

  why(id: string): Promise<WhyWaiting> {
    return this.get(WhyWaiting, `/jobs/${id}/why`);
  }

  queue(groupId: string): Promise<Job[]> {
    return this.get(z.array(Job), `/groups/${groupId}/queue`);
  }

  history(groupId: string, query = ''): Promise<HistoryPage> {
    return this.get(HistoryPage, `/groups/${groupId}/history${query}`);
  }

  /** The whole history, page by page, newest first. */
  async wholeHistory(groupId: string): Promise<Job[]> {
    const jobs: Job[] = [];
    for (let before = ''; ; ) {
      const page = await this.history(groupId, `?limit=100${before}`);
      jobs.push(...page.jobs);
      if (!page.has_more || page.next_cursor === undefined) return jobs;
      before = `&before=${encodeURIComponent(page.next_cursor)}`;
    }
  }

  cancel(id: string): Promise<Reply> {
    return this.ask(`/api/v1/jobs/${id}/cancel`, { method: 'POST' });
  }

  pause(id: string): Promise<Reply> {
    return this.ask(`/api/v1/jobs/${id}/pause`, { method: 'POST' });
  }

  unpause(id: string): Promise<Reply> {
    return this.ask(`/api/v1/jobs/${id}/unpause`, { method: 'POST' });
  }

  async delete(id: string): Promise<Reply> {
    const reply = await this.ask(`/api/v1/jobs/${id}`, { method: 'DELETE' });
    if (reply.status === 204) this.deleted.add(id);
    return reply;
  }

  pauseGroup(id: string): Promise<Group> {
    return this.get(Group, `/groups/${id}/pause`, { method: 'POST' });
  }

  unpauseGroup(id: string): Promise<Group> {
    return this.get(Group, `/groups/${id}/unpause`, { method: 'POST' });
  }

  groups(): Promise<GroupWithStats[]> {
    return this.get(z.array(GroupWithStats), '/groups');
  }

  templates(groupId: string): Promise<JobTemplate[]> {
    return this.get(z.array(JobTemplate), `/groups/${groupId}/templates`);
  }

  runners(): Promise<Runner[]> {
    return this.get(z.array(Runner), '/runners');
  }

  status(): Promise<Status> {
    return this.get(Status, '/status');
  }

  /** `name{label="value"}` → value, as Prometheus would read it. */
  async metrics(): Promise<Map<string, number>> {
    const { text } = await this.ask('/metrics');
    const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    return new Map(
      lines.map((line) => {
        const end = line.lastIndexOf(' ');
        return [line.slice(0, end), Number(line.slice(end + 1))];
      }),
    );
  }
}
