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

/** So much of the token's hash tells two tokens apart; it is stored and logged, and leads back to neither. */
const SHOWN_HASH_LENGTH = 16;

/** A personal access token. */
export function makeTokenCredential(options: TokenCredentialOptions): CredentialSource {
  const { forgeId, use, configKey, token } = options;
  const id = `${forgeId}/${use}`;
  const hash = createHash('sha256').update(token.reveal()).digest('hex');
  return {
    id,
    budgetId: `${id}/${hash.slice(0, SHOWN_HASH_LENGTH)}`,
    use,
    configKey,
    isConfigured: !token.isEmpty,
    sameAs: hash,
    getToken: () => Promise.resolve(token.reveal()),
  };
}
