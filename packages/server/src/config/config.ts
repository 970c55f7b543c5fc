import type { Secret } from '../lib/secret.ts';

export type Role = 'readonly' | 'admin';

/** The whole configuration: validated, defaults filled in, deeply frozen. Durations are in `…Ms`. */
export interface Config {
  readonly server: ServerConfig;
  readonly database: DatabaseConfig;
  /** In the order in which they are shown; today the one under `github`. */
  readonly forges: readonly ForgeConfig[];
  readonly dispatcher: DispatcherConfig;
  readonly waits: WaitsConfig;
  readonly auth: AuthConfig;
  readonly history: HistoryConfig;
  readonly groups: readonly GroupConfig[];
}

export interface ServerConfig {
  /** `host` is `''` for all interfaces; `port` 0 lets the system choose. */
  readonly listen: { readonly host: string; readonly port: number };
  /** Origins as a browser sends them, or `*`. */
  readonly corsOrigins: readonly string[];
  /** Addresses or CIDR ranges of proxies whose `X-Forwarded-For` is believed. */
  readonly trustedProxies: readonly string[];
  /** HTTP connections that are served at a time, WebSockets among them. */
  readonly maxConnections: number;
  readonly rateLimit: RateLimitConfig;
}

/** Requests per minute and client address. */
export interface RateLimitConfig {
  readonly enabled: boolean;
  readonly authPerMinute: number;
  readonly publicPerMinute: number;
  readonly authenticatedPerMinute: number;
}

export type DatabaseConfig = SqliteConfig | PostgresConfig;

export interface SqliteConfig {
  readonly driver: 'sqlite';
  /** Relative to the working directory. */
  readonly path: string;
}

export interface PostgresConfig {
  readonly driver: 'postgres';
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: Secret;
  readonly database: string;
  readonly sslmode: SslMode;
  /** Connections of this server, at least 3. */
  readonly maxConnections: number;
  readonly connectTimeoutMs: number;
  /** How long a request waits for a free connection. */
  readonly waitTimeoutMs: number;
  /** Of one statement. */
  readonly readTimeoutMs: number;
  readonly writeTimeoutMs: number;
  /** PostgreSQL itself, where `host` is a pooler; `''`: at `host`. */
  readonly listenHost: string;
  readonly listenPort: number;
}

export const sslModes = [
  'disable',
  'allow',
  'prefer',
  'require',
  'verify-ca',
  'verify-full',
] as const;
export type SslMode = (typeof sslModes)[number];

/** A server with runners and workflows. */
export type ForgeConfig = GithubConfig;

export interface GithubConfig {
  /** Part of every row that belongs to it; never changes. */
  readonly id: string;
  readonly kind: 'github';
  /** Where the file has it: what people are pointed to. */
  readonly configKey: string;
  /** Dispatches, follows and cancels runs. Empty: dispatching is disabled. */
  readonly token: Secret;
  /** Lists runners. The dispatch token where the file names none. */
  readonly runnersToken: Secret;
  /** Root of the REST API, without a slash at the end. */
  readonly baseUrl: string;
  /** github.com itself, or a company's own name there (`api.NAME.ghe.com`): its limits apply. */
  readonly isGithubCom: boolean;
  readonly pollIntervalMs: number;
  /** What GitHub signs its webhooks with. Empty: none are taken. */
  readonly webhookSecret: Secret;
  /** While webhooks arrive; never shorter than `pollIntervalMs`. */
  readonly pollIntervalWithWebhooksMs: number;
  /** How late a webhook may be before it counts as lost. */
  readonly webhookGraceMs: number;
  /** Requests of the hourly limit that polling may not touch. */
  readonly rateLimitBuffer: number;
  /** Ceiling on dispatches; null: none. */
  readonly dispatchRate: DispatchRateConfig | null;
  /** One request's whole life; after it the outcome of a dispatch is unknown. */
  readonly requestTimeoutMs: number;
}

/** A bucket of `burst` dispatches that refills by `perSecond`. */
export interface DispatchRateConfig {
  readonly burst: number;
  readonly perSecond: number;
}

export interface DispatcherConfig {
  readonly enabled: boolean;
  readonly intervalMs: number;
  readonly trackingIntervalMs: number;
  /** While webhooks arrive; never shorter than `trackingIntervalMs`. */
  readonly trackingIntervalWithWebhooksMs: number;
  /** After the last possible send: how long a run may stay invisible before it counts as absent. */
  readonly runLookupTimeoutMs: number;
  /** How long a started run may hold an idle runner that does not pick it up. */
  readonly pickupTimeoutMs: number;
  /** From a claim to its first byte at the latest. */
  readonly sendDeadlineMs: number;
  /** A run or workflow that could not be found counts as gone only when a second look, this much later, agrees. */
  readonly recheckAfterMs: number;
}

/** How long things may take before something is concluded or tried again. */
export interface WaitsConfig {
  /** Of a loop that one of several servers runs: after so long without a renewal another may take it over. */
  readonly leaseMs: number;
  /** Longest pause of dispatches to a workflow, or a forge, that fails; the first is a sixtieth of it. */
  readonly forgeBreakerMs: number;
  /** Between looks at a credential that does not work. */
  readonly reconnectMs: number;
  /** Before a job whose dispatch surely started nothing is tried again. */
  readonly retryMs: number;
  /** Between probes of a template or repository that refuses. */
  readonly probeMs: number;
  readonly cancelRetryMs: number;
  /** A run that still lives this long after its cancel is ended by force. */
  readonly forceCancelMs: number;
  /** A run named in a reply may stay out of listings this long. */
  readonly runVisibleMs: number;
  /** A run still queued after so long is asked what it waits for. */
  readonly pickupExpectedMs: number;
  readonly queuedRecheckMs: number;
  /** A run that cannot be read, of a cancelled job or not known by any answer, takes up cap and runner no longer than this. */
  readonly unreadableRunMs: number;
  /** The run of an attempt that was given up is cancelled if it turns up within this time. */
  readonly lateRunMs: number;
}

export interface AuthConfig {
  readonly sessionTtlMs: number;
  readonly basic: {
    readonly enabled: boolean;
    readonly users: readonly BasicUserConfig[];
    /** Of one user from one client address, once the first ten are used up. */
    readonly failedLoginsPerMinute: number;
  };
  readonly github: GithubAuthConfig;
}

export interface BasicUserConfig {
  readonly username: string;
  readonly password: Secret;
  readonly role: Role;
}

export interface GithubAuthConfig {
  readonly enabled: boolean;
  readonly clientId: string;
  readonly clientSecret: Secret;
  /** Where the browser goes after login: the URL of the UI. `''`: not set. */
  readonly redirectUrl: string;
  /** Organisation → role. */
  readonly orgRoleMapping: Readonly<Record<string, Role>>;
  /** User name → role; goes before organisations. */
  readonly userRoleMapping: Readonly<Record<string, Role>>;
}

export interface HistoryConfig {
  /** null: keep for ever. */
  readonly retentionDays: number | null;
  readonly cleanupIntervalMs: number;
}

export interface GroupConfig {
  readonly id: string;
  readonly forgeId: string;
  readonly name: string;
  readonly description: string;
  readonly runnerLabels: readonly string[];
  /** Most attempts of this group alive at one time; null: no cap. */
  readonly maxParallel: number | null;
  /** Where to look for runners; null: with the owners of its templates and pending manual jobs. */
  readonly runnerScopes: readonly RunnerScope[] | null;
  readonly templates: readonly TemplateConfig[];
  /** What was to be read from a URL and could not be: the templates that it gave at an earlier start stay. */
  readonly unreadSources: readonly UnreadSource[];
}

export interface UnreadSource {
  /** As `TemplateConfig.sourcePath` has it. */
  readonly sourcePath: string;
  /** One line, as a problem of the configuration: for where there are no earlier templates. */
  readonly problem: string;
}

/** `org:NAME`, `repo:OWNER/NAME` or `enterprise:NAME`. */
export type RunnerScope = `org:${string}` | `repo:${string}/${string}` | `enterprise:${string}`;

export type TemplateSource = 'inline' | 'file' | 'url';

export interface TemplateConfig {
  readonly id: string;
  readonly name: string;
  readonly owner: string;
  readonly repo: string;
  readonly workflowId: string;
  readonly ref: string;
  readonly inputs: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  /** Runners that one run takes. */
  readonly runners: number;
  /** The workflow input that we fill with the attempt id, which the workflow shows in `run-name`. */
  readonly correlationInput: string | null;
  readonly sourceType: TemplateSource;
  /** The file's path as the config writes it, or the URL; `''` for inline. */
  readonly sourcePath: string;
}
