import type { GithubConfig } from '../../config/config.ts';
import type { AdapterDeps } from '../adapter-deps.ts';
import type { Forge, ForgeUse } from '../forge.ts';
import type { CredentialSource } from './credential-source.ts';
import { makeGithubForge } from './github-forge.ts';
import { makeTokenCredential } from './token-credential.ts';

/** The adapter as the configuration describes it. */
export function openGithub(config: GithubConfig, { onRequest, ...deps }: AdapterDeps): Forge {
  const { id, baseUrl, dispatchRate, rateLimitBuffer, requestTimeoutMs, webhookSecret } = config;
  return makeGithubForge({
    ...deps,
    id,
    baseUrl,
    dispatchRate,
    rateLimitBuffer,
    requestTimeoutMs,
    webhookSecret,
    credentials: credentialsOf(config),
    onRequest: (endpoint, outcome) => {
      onRequest(endpoint, outcome === 'ok' ? 'ok' : 'error');
    },
  });
}

function credentialsOf({
  id: forgeId,
  configKey: at,
  token,
  runnersToken,
}: GithubConfig): Record<ForgeUse, CredentialSource> {
  // Where the file names no second one it is the first key that people have to look at.
  const isOneToken = runnersToken.reveal() === token.reveal();
  const runnersKey = isOneToken ? `${at}.token` : `${at}.runners_token`;
  return {
    dispatch: makeTokenCredential({ forgeId, use: 'dispatch', configKey: `${at}.token`, token }),
    runners: makeTokenCredential({
      forgeId,
      use: 'runners',
      configKey: runnersKey,
      token: runnersToken,
    }),
  };
}
