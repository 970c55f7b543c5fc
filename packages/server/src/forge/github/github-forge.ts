import { labelCaseOf } from '../../domain/runner.ts';
import type { WebhookVerifier } from '../../domain/webhook-verifier.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/logger.ts';
import type { Secret } from '../../lib/secret.ts';
import {
  type BudgetStore,
  type CredentialStatus,
  type Forge,
  type ForgeCapabilities,
  ForgeError,
  type ForgeUse,
} from '../forge.ts';
import { askRateLimit, askWhoWeAre, canReadRepo, findOwnerType } from './accounts.ts';
import { RequestBudget } from './budget.ts';
import type { EndpointName } from './call.ts';
import { GithubClient, type RequestOutcome } from './client.ts';
import { Conclusions } from './conclusions.ts';
import { Connection } from './connection.ts';
import type { CredentialSource } from './credential-source.ts';
import { DateOffsetEstimator } from './date-offset.ts';
import { DispatchFeatures, dispatchWorkflow } from './dispatch.ts';
import { DispatchAllowance, type DispatchRate } from './dispatch-allowance.ts';
import { listRunners } from './list-runners.ts';
import { listRuns } from './list-runs.ts';
import { cancelRun, getFirstAttempt, getRun, listRunJobs } from './runs.ts';
import { makeWebhookVerifier } from './webhook-verifier.ts';
import { Wire } from './wire.ts';

export interface GithubForgeOptions {
  readonly id: string;
  /** Root of the REST API without a slash at its end: `https://api.github.com`, `https://ghes.example/api/v3`. */
  readonly baseUrl: string;
  readonly credentials: Readonly<Record<ForgeUse, CredentialSource>>;
  readonly budgets: BudgetStore;
  /** Ceiling on dispatches; `null`: none. */
  readonly dispatchRate: DispatchRate | null;
  /** Requests of the hourly limit that polling may not touch. */
  readonly rateLimitBuffer: number;
  readonly requestTimeoutMs: number;
  /** Empty: no webhook is taken. */
  readonly webhookSecret: Secret;
  /** Ours, for the User-Agent. */
  readonly version: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly onRequest?: (endpoint: EndpointName, outcome: RequestOutcome) => void;
}

export type GithubForge = Forge & { readonly kind: 'github' };

/** github.com or a GitHub Enterprise Server. Sends nothing before it is asked to. */
export function makeGithubForge(options: GithubForgeOptions): GithubForge {
  return new Github(options);
}

class Github implements GithubForge {
  readonly id: string;
  readonly kind = 'github';
  readonly webhooks: WebhookVerifier;
  readonly #wire: Wire;
  readonly #dateOffset: DateOffsetEstimator;
  readonly #clients: Readonly<Record<ForgeUse, GithubClient>>;
  readonly #allowance: DispatchAllowance;
  readonly #features: DispatchFeatures;
  readonly #ownerTypes: Conclusions<'org' | 'user'>;
  /** Asking who they are has met a limit, which may be of that alone: next time anything that only a working credential gets will do. */
  readonly #limitedLogins = new Set<GithubClient>();

  constructor(options: GithubForgeOptions) {
    const { credentials, budgets, clock, dispatchRate } = options;
    this.id = options.id;
    this.#wire = new Wire(clock);
    this.#features = new DispatchFeatures(clock);
    this.#ownerTypes = new Conclusions(clock);
    this.#dateOffset = new DateOffsetEstimator(clock);
    this.webhooks = makeWebhookVerifier({
      secret: options.webhookSecret,
      receipt: () => {
        const { offsetMs, uncertaintyMs } = this.#dateOffset.offset();
        return { at: clock.now() + offsetMs, uncertaintyMs };
      },
    });
    const budget = new RequestBudget(clock, options.rateLimitBuffer);
    const isOneToken = credentials.runners.sameAs === credentials.dispatch.sameAs;
    this.#clients = {
      dispatch: this.#makeClient(options, credentials.dispatch, budget),
      runners: this.#makeClient(
        options,
        credentials.runners,
        isOneToken ? budget : new RequestBudget(clock, options.rateLimitBuffer),
      ),
    };
    const { connection } = this.#clients.dispatch;
    this.#allowance = new DispatchAllowance({
      connection,
      rate: dispatchRate,
      store: budgets,
      clock,
    });
  }

  get can(): ForgeCapabilities {
    return {
      labelCase: labelCaseOf(this.kind),
      returnRunDetails: this.#features.returnRunDetails,
      listWaitingJobs: false,
      jitRunners: false,
      workflowJobHook: this.webhooks.isOpen,
    };
  }

  credentialFor(use: ForgeUse): CredentialStatus {
    return this.#clients[use].connection.status(
      use === 'dispatch' ? this.#allowance.standing() : undefined,
    );
  }

  listCredentials(): readonly CredentialStatus[] {
    return [this.credentialFor('dispatch'), this.credentialFor('runners')];
  }

  async recallLimits(): Promise<void> {
    const { dispatch, runners } = this.#clients;
    await Promise.all([dispatch.connection.keeper.refresh(), runners.connection.keeper.refresh()]);
  }

  async ensureConnected(signal: AbortSignal): Promise<void> {
    const { dispatch, runners } = this.#clients;
    await Promise.all([this.#connect(dispatch, signal), this.#connect(runners, signal)]);
    const { actor } = dispatch.connection;
    if (actor !== '' && actor === runners.connection.actor) {
      runners.connection.shareBudget(dispatch.connection.budget);
    }
  }

  async refreshActor(signal: AbortSignal): Promise<void> {
    const login = await askWhoWeAre(this.#clients.dispatch, signal);
    if (login !== '') this.noteActor(login);
  }

  noteActor(login: string): void {
    this.#clients.dispatch.connection.noteActor(login);
  }

  listRunners: Forge['listRunners'] = (scope, etags, signal) =>
    listRunners(this.#clients.runners, scope, etags, signal);

  takeDispatch(): Promise<number | null> {
    return this.#allowance.take();
  }

  dispatch: Forge['dispatch'] = (dispatch, signal) =>
    dispatchWorkflow(this.#clients.dispatch, this.#features, dispatch, signal);

  listRuns: Forge['listRuns'] = (owner, repo, filter, signal) =>
    listRuns(this.#clients.dispatch, { owner, repo }, filter, signal);

  getRun: Forge['getRun'] = (owner, repo, runId, signal, purpose) =>
    getRun(this.#clients.dispatch, { owner, repo, runId }, signal, purpose);

  getFirstAttempt: Forge['getFirstAttempt'] = (owner, repo, runId, signal) =>
    getFirstAttempt(this.#clients.dispatch, { owner, repo, runId }, signal);

  listRunJobs: Forge['listRunJobs'] = (owner, repo, runId, signal) =>
    listRunJobs(this.#clients.dispatch, { owner, repo, runId }, signal);

  cancelRun: Forge['cancelRun'] = (owner, repo, runId, how, signal) =>
    cancelRun(this.#clients.dispatch, { owner, repo, runId }, how, signal);

  canReadRepo: Forge['canReadRepo'] = (owner, repo, signal) =>
    canReadRepo(this.#clients.dispatch, owner, repo, signal);

  async findOwnerType(owner: string, signal: AbortSignal): Promise<'org' | 'user' | 'unknown'> {
    const key = owner.toLowerCase();
    const known = this.#ownerTypes.find(key);
    if (known !== undefined) return known;
    const type = await this.#askOwnerType(owner, signal, this.#ownerTypes.findOld(key));
    // An account that cannot be read today may be tomorrow.
    if (type !== 'unknown') this.#ownerTypes.note(key, type);
    return type;
  }

  /** @param before what it was found to be some time ago: stays where the account cannot be read now */
  async #askOwnerType(
    owner: string,
    signal: AbortSignal,
    before: 'org' | 'user' | undefined,
  ): Promise<'org' | 'user' | 'unknown'> {
    const { dispatch, runners } = this.#clients;
    const client = runners.connection.source.isConfigured ? runners : dispatch;
    try {
      const type = await findOwnerType(client, owner, signal);
      return type === 'unknown' ? (before ?? type) : type;
    } catch (error) {
      if (before === undefined) throw error;
      return before;
    }
  }

  dateOffset: Forge['dateOffset'] = () => this.#dateOffset.offset();

  now: Forge['now'] = () => this.#dateOffset.forgeNow() ?? null;

  async close(): Promise<void> {
    await this.#wire.close();
    const { dispatch, runners } = this.#clients;
    await Promise.all([dispatch.connection.keeper.close(), runners.connection.keeper.close()]);
  }

  async #connect(client: GithubClient, signal: AbortSignal): Promise<void> {
    const { connection } = client;
    if (!connection.source.isConfigured) return;
    await connection.keeper.refresh();
    try {
      if (this.#limitedLogins.delete(client)) {
        await askRateLimit(client, signal);
        return;
      }
      const login = await askWhoWeAre(client, signal);
      if (login !== '') connection.noteActor(login);
    } catch (error) {
      if (!(error instanceof ForgeError)) throw error;
      // Neither a limit nor our own shutdown says anything about the credential.
      if (error.code === 'rate-limited' && error.isAnswered) {
        connection.noteLimited();
        this.#limitedLogins.add(client);
      } else if (error.code !== 'rate-limited' && error.code !== 'not-sent') {
        // One that has worked is not stopped because this alone fails.
        if (error.code === 'auth' || !connection.isConnected) connection.noteFails(error);
      }
    }
  }

  #makeClient(
    options: GithubForgeOptions,
    source: CredentialSource,
    budget: RequestBudget,
  ): GithubClient {
    const { baseUrl, version, requestTimeoutMs, budgets, clock, onRequest } = options;
    const logger = options.logger.child({ forgeId: options.id });
    return new GithubClient({
      baseUrl,
      userAgent: `dispatchoor/${version}`,
      timeoutMs: requestTimeoutMs,
      connection: new Connection({ source, budget, store: budgets, clock, logger }),
      wire: this.#wire,
      dateOffset: this.#dateOffset,
      clock,
      logger,
      onRequest: onRequest ?? (() => undefined),
    });
  }
}
