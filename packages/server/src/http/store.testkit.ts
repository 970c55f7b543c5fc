import type { Group, Template } from '../domain/group.ts';
import type { ListedJob } from '../store/port/jobs.ts';
import type { User } from '../store/port/users.ts';
import type { HttpStore } from './deps.ts';

/** Only what a test gives can be called; anything else fails it by name. */
export type FakeStoreParts = {
  readonly [K in keyof HttpStore]?: HttpStore[K] extends (...args: never[]) => unknown
    ? HttpStore[K]
    : Partial<HttpStore[K]>;
};

export function fakeStore(parts: FakeStoreParts): HttpStore {
  return {
    catalog: refusing('catalog', parts.catalog),
    jobs: refusing('jobs', parts.jobs),
    runners: refusing('runners', parts.runners),
    users: refusing('users', parts.users),
    webhooks: refusing('webhooks', parts.webhooks),
    ping: parts.ping ?? (async () => 1),
  };
}

function refusing<T extends object>(name: string, given: Partial<T> = {}): T {
  return new Proxy(given, {
    get: (target, key) => {
      if (Reflect.has(target, key)) return Reflect.get(target, key) as unknown;
      return () => {
        throw new Error(`not expected in this test: ${name}.${String(key)}`);
      };
    },
  }) as T;
}

export const noon = Date.UTC(2026, 0, 1, 12);

export function makeUser(over: Partial<User> = {}): User {
  return {
    id: 'user-1',
    username: 'ada',
    role: 'admin',
    authProvider: 'basic',
    githubId: null,
    createdAt: noon,
    updatedAt: noon,
    ...over,
  };
}

export function makeGroup(over: Partial<Group> = {}): Group {
  return {
    id: 'g1',
    forgeId: 'github',
    name: 'Group one',
    description: 'first',
    runnerLabels: ['self-hosted', 'linux'],
    labelCase: 'ignored',
    runnerScopes: null,
    maxParallel: null,
    isEnabled: true,
    isPaused: false,
    createdAt: noon,
    updatedAt: noon,
    ...over,
  };
}

export function makeTemplate(over: Partial<Template> = {}): Template {
  return {
    id: 't1',
    groupId: 'g1',
    name: 'Template one',
    owner: 'acme',
    repo: 'rockets',
    workflowId: 'build.yml',
    ref: 'main',
    defaultInputs: { client: 'geth' },
    labels: null,
    runners: 1,
    correlationInput: null,
    inConfig: true,
    sourceType: 'inline',
    sourcePath: '',
    createdAt: noon,
    updatedAt: noon,
    ...over,
  };
}

export function makeJob(over: Partial<ListedJob> = {}): ListedJob {
  return {
    id: '019b7a3c-0000-7000-8000-000000000001',
    forgeId: 'github',
    groupId: 'g1',
    templateId: 't1',
    templateVersion: null,
    state: 'pending',
    isPaused: false,
    priority: 0,
    rank: 1_048_576,
    number: 0,
    position: 0,
    name: null,
    owner: null,
    repo: null,
    workflowId: null,
    ref: null,
    labels: null,
    inputs: { client: 'geth' },
    autoRequeue: false,
    requeueLimit: null,
    requeueCount: 0,
    failureCount: 0,
    createdBy: 'ada',
    attemptId: null,
    absentCount: 0,
    notBefore: null,
    triggeredAt: null,
    startedAt: null,
    completedAt: null,
    runId: null,
    runUrl: '',
    runCreatedAt: null,
    runStartedAt: null,
    runCompletedAt: null,
    runnerId: null,
    runnerName: '',
    errorMessage: '',
    createdAt: noon,
    updatedAt: noon,
    ...over,
  };
}
