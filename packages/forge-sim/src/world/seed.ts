import type { Changes } from '../changes.ts';
import type { SimClock } from '../clock.ts';
import type { Hooks } from '../hooks/hooks.ts';
import type { ForgeIds } from '../ids.ts';
import { checkShape, ShapeError } from '../shape-check.ts';
import type { RunnerPool } from './runner-pool.ts';
import { tokenShape, worldShape } from './shapes.ts';
import type { RepoSpec, TokenSpec, WorkflowSpec, World } from './spec.ts';
import type { Account, Repo, WorldState } from './state.ts';

export interface SeederDeps {
  clock: SimClock;
  changes: Changes;
  ids: ForgeIds;
  state: WorldState;
  runners: RunnerPool;
  hooks: Hooks;
}

/** Puts owners, tokens, repositories, workflows, runners and webhooks into the forge. */
export class Seeder {
  readonly #deps: SeederDeps;

  constructor(deps: SeederDeps) {
    this.#deps = deps;
  }

  /** Adds to what exists; a workflow or token that exists is replaced, a repository archived or not. */
  seed(world: World): void {
    checkShape('world', worldShape, world);
    for (const owner of world.owners ?? []) this.#ensureAccount(owner.login, owner.type);
    for (const token of world.tokens ?? []) this.addToken(token);
    for (const repo of world.repos ?? []) this.#addRepo(repo);
    for (const workflow of world.workflows ?? []) this.#putWorkflow(workflow);
    for (const runner of world.runners ?? []) this.#deps.runners.add(runner);
    for (const hook of world.hooks ?? []) this.#deps.hooks.add(hook);
    this.#deps.changes.announce();
  }

  addToken(spec: TokenSpec): void {
    checkShape('token', tokenShape, spec);
    const account = this.#ensureAccount(spec.login, 'User');
    this.#deps.state.tokens.set(spec.token, {
      token: spec.token,
      login: account.login,
      owners: spec.owners?.map((owner) => owner.toLowerCase()) ?? null,
      canWrite: spec.scopes !== 'read',
      isValid: true,
      blindTo: [],
      unauthorisedBy: spec.unauthorisedBy?.map((owner) => owner.toLowerCase()) ?? [],
    });
  }

  #ensureAccount(login: string, type: Account['type']): Account {
    const { clock, ids, state } = this.#deps;
    const known = state.findAccount(login);
    if (known !== undefined) return known;
    const account = { id: ids.nextId(), login, type, createdAt: clock.now() };
    state.accounts.set(login.toLowerCase(), account);
    return account;
  }

  #addRepo({ owner: login, name, archived: isArchived = false }: RepoSpec): void {
    const { clock, ids, state } = this.#deps;
    const owner = state.findAccount(login);
    if (owner === undefined) {
      throw new ShapeError(`world.repos: ${login}/${name}: no such owner, add it to owners`);
    }
    const known = state.findRepo(login, name);
    if (known !== undefined) {
      known.isArchived = isArchived;
      return;
    }
    const repo: Repo = { id: ids.nextId(), owner, name, isArchived, createdAt: clock.now() };
    state.repos.set(`${login}/${name}`.toLowerCase(), repo);
  }

  #putWorkflow(spec: WorkflowSpec): void {
    const { ids, state } = this.#deps;
    const repo = state.findRepo(spec.owner, spec.repo);
    if (repo === undefined) {
      const place = `${spec.owner}/${spec.repo}`;
      throw new ShapeError(`world.workflows: ${spec.file}: no repo ${place}, add it to repos`);
    }
    checkNeeds(spec);
    const known = state.findWorkflow(repo, spec.file);
    const facts = {
      name: spec.name ?? spec.file,
      refs: spec.refs ?? ['main'],
      inputs: spec.inputs ?? {},
      spec: structuredClone(spec),
    };
    if (known !== undefined) Object.assign(known, facts);
    else {
      const { file } = spec;
      state.workflows.push({ id: ids.nextId(), repo, file, lastRunNumber: 0, ...facts });
    }
  }
}

/** A need that comes later in the list, or nowhere, could never be met in order. */
function checkNeeds(spec: WorkflowSpec): void {
  const earlier = new Set<string>();
  for (const job of spec.jobs) {
    const missing = job.needs?.find((name) => !earlier.has(name));
    if (missing !== undefined) {
      const place = `world.workflows: ${spec.file}: job ${job.name}`;
      throw new ShapeError(`${place} needs ${missing}, which is no earlier job of it`);
    }
    earlier.add(job.name);
  }
}
