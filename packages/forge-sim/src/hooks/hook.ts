import { createHmac } from 'node:crypto';
import type { OutgoingHttpHeaders } from 'node:http';
import { checkShape, ShapeError } from '../shape-check.ts';
import { hookShape } from '../world/shapes.ts';
import { type HookEvent, type HookSpec, hookEvents } from '../world/spec.ts';
import type { Account, Repo, WorldState } from '../world/state.ts';

/** A webhook that exists. */
export interface Hook {
  id: number;
  spec: HookSpec;
  url: URL;
  events: readonly HookEvent[];
  /** null: of an App, for everything that happens. */
  owner: Account | null;
  /** null: for all of the owner's. */
  repo: Repo | null;
  createdAt: number;
  /** `id` and `header` as the headers name it, `type` as the ping's body does. */
  target: { id: number; header: string; type: 'Repository' | 'Organization' | 'App' };
}

/** Throws a ShapeError that names the wrong key. */
export function newHook(id: number, spec: HookSpec, state: WorldState, now: number): Hook {
  checkShape('hook', hookShape, spec);
  if (!URL.canParse(spec.url)) throw new ShapeError(`hook.url: "${spec.url}" is no URL`);
  const owner = getOwner(spec, state);
  const repo = getRepo(spec, state);
  return {
    id,
    spec: structuredClone(spec),
    url: new URL(spec.url),
    events: spec.events ?? hookEvents,
    ...{ owner, repo, createdAt: now, target: targetOf(owner, repo) },
  };
}

/** The hook is told of what happens in `repo`. */
export function isHookFor(hook: Hook, event: HookEvent, repo: Repo): boolean {
  if (!hook.events.includes(event)) return false;
  if (hook.repo !== null) return hook.repo === repo;
  return hook.owner === null || hook.owner === repo.owner;
}

export interface Envelope {
  event: HookEvent;
  guid: string;
  body: Buffer;
}

/** docs.github.com/webhooks/webhook-events-and-payloads#delivery-headers */
export function deliveryHeaders(hook: Hook, { event, guid, body }: Envelope): OutgoingHttpHeaders {
  const { secret } = hook.spec;
  return {
    Accept: '*/*',
    'Content-Type': 'application/json',
    'Content-Length': body.length,
    'User-Agent': 'GitHub-Hookshot/f09e51a',
    'X-GitHub-Delivery': guid,
    'X-GitHub-Event': event,
    'X-GitHub-Hook-ID': String(hook.id),
    'X-GitHub-Hook-Installation-Target-ID': String(hook.target.id),
    'X-GitHub-Hook-Installation-Target-Type': hook.target.header,
    ...(secret === undefined ? {} : { 'X-Hub-Signature-256': `sha256=${sha256Of(body, secret)}` }),
  };
}

function sha256Of(body: Buffer, secret: string): string {
  return createHmac('sha256', secret).update(body).digest('hex');
}

function getOwner({ owner: login, repo }: HookSpec, state: WorldState): Account | null {
  if (login === undefined) {
    if (repo !== undefined) throw new ShapeError('hook.repo: needs hook.owner beside it');
    return null;
  }
  const owner = state.findAccount(login);
  if (owner === undefined) throw new ShapeError(`hook.owner: no owner ${login}, add it to owners`);
  return owner;
}

function getRepo({ owner, repo: name }: HookSpec, state: WorldState): Repo | null {
  if (owner === undefined || name === undefined) return null;
  const repo = state.findRepo(owner, name);
  if (repo === undefined) {
    throw new ShapeError(`hook.repo: no repository ${owner}/${name}, add it to repos`);
  }
  return repo;
}

function targetOf(owner: Account | null, repo: Repo | null): Hook['target'] {
  if (repo !== null) return { id: repo.id, header: 'repository', type: 'Repository' };
  if (owner !== null) return { id: owner.id, header: 'organization', type: 'Organization' };
  return { id: 1, header: 'integration', type: 'App' };
}
