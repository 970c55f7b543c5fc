import type { Secret } from '../../../lib/secret.ts';

export type SslMode = 'disable' | 'allow' | 'prefer' | 'require' | 'verify-ca' | 'verify-full';

export interface PostgresConfig {
  /** A name, an address, or the folder of a unix socket. */
  readonly host: string;
  readonly port: number;
  /** `''`: whoever runs this process. */
  readonly user: string;
  readonly password: Secret;
  readonly database: string;
  readonly sslmode: SslMode;
  /** Of this process: for reads, for writes, and one that listens; at least 3. */
  readonly maxConnections: number;
  readonly connectTimeoutMs: number;
  /** How long somebody waits for a connection that is free. */
  readonly waitTimeoutMs: number;
  /** Of one statement. */
  readonly readTimeoutMs: number;
  readonly writeTimeoutMs: number;
  /** Where PostgreSQL itself is reached if `host` is a pooler that cannot pass announcements on; `''`: at `host`. */
  readonly listenHost: string;
  readonly listenPort: number;
}

/** What a connection is for. `change-schema` takes as long as it takes. */
export type ConnectionUse = 'read' | 'write' | 'change-schema';
