import { createHash } from 'node:crypto';
import type { Secret } from '../../lib/secret.ts';
import type { ForgeUse } from '../forge.ts';
import type { CredentialSource } from './credential-source.ts';

export interface TokenCredentialOptions {
  readonly forgeId: string;
  readonly use: ForgeUse;
  /** The key of the configuration that holds the token. */
  readonly configKey: string;
  readonly token: Secret;
}

/** A personal access token. */
export function makeTokenCredential(options: TokenCredentialOptions): CredentialSource {
  const { forgeId, use, configKey, token } = options;
  return {
    id: `${forgeId}/${use}`,
    use,
    configKey,
    isConfigured: !token.isEmpty,
    sameAs: createHash('sha256').update(token.reveal()).digest('hex'),
    getToken: () => Promise.resolve(token.reveal()),
  };
}
