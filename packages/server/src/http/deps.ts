import type { Event } from '../domain/event.ts';
import type { WebhookVerifier } from '../domain/webhook-verifier.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import type { Metrics, VersionInfo } from '../metrics/metrics.ts';
import type { Store } from '../store/port/store.ts';

export type HttpStore = Pick<Store, 'catalog' | 'jobs' | 'runners' | 'users' | 'ping'> & {
  readonly webhooks: Pick<Store['webhooks'], 'add' | 'servesRepo'>;
};

/** Requests per minute and client address, for each kind of route. */
export interface RateLimitOptions {
  readonly isEnabled: boolean;
  readonly authPerMinute: number;
  readonly publicPerMinute: number;
  readonly authenticatedPerMinute: number;
}

export interface HttpOptions {
  /** As a browser sends them, or exactly one `*`. Empty: no CORS at all. */
  readonly corsOrigins: readonly string[];
  readonly rateLimit: RateLimitOptions;
  /** Addresses or CIDR ranges whose `X-Forwarded-For` is believed. Empty: nobody's. */
  readonly trustedProxies: readonly string[];
  /** At a time, WebSockets too. */
  readonly maxConnections: number;
  readonly sessionTtlMs: number;
  /** Of one user from one address, once the first ten are used up. */
  readonly failedLoginsPerMinute: number;
  /** What `/health` offers to the login page. */
  readonly isBasicAuthEnabled: boolean;
  readonly isGithubAuthEnabled: boolean;
  /** How long a started run may wait for an idle runner before that is shown as the reason. */
  readonly pickupTimeoutMs: number;
}

/** How a credential of a forge stands, as far as `/status` shows it. */
export interface ForgeClient {
  readonly use: 'runners' | 'dispatch';
  readonly configKey: string;
  readonly isConfigured: boolean;
  readonly isConnected: boolean;
  /** Holds no secret. */
  readonly error: string;
  readonly rate: {
    readonly remaining: number | null;
    /** Epoch milliseconds. */
    readonly resetAt: number | null;
    /** Nothing is sent before this moment, epoch milliseconds. */
    readonly blockedUntil: number | null;
  };
}

export interface HttpDeps {
  readonly store: HttpStore;
  readonly options: HttpOptions;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly version: VersionInfo;
  readonly forgeStatus: () => readonly ForgeClient[];
  /** By forge id. */
  readonly webhookVerifiers: ReadonlyMap<string, WebhookVerifier>;
  readonly isDispatchEnabled: () => boolean;
  /** Every event that any process commits from now on, in commit order. */
  readonly listenToEvents: (listener: (event: Event) => void) => void;
  /** What stands in the way of serving, such as `shutting down`; empty when nothing does. */
  readonly listUnready: () => readonly string[];
}
