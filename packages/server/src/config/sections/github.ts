import { REQUEST_TIMEOUT_MS } from '../../domain/timing.ts';
import { formatGoDuration } from '../../lib/go-duration.ts';
import type { DispatchRateConfig, GithubConfig } from '../config.ts';
import type { Cursor } from '../cursor.ts';
import { type Decoder, type Section, section } from '../decode.ts';
import { decimal, duration, integer, quoteAt, secret, text } from '../scalars.ts';
import { takeSecret, takeToken } from './secrets.ts';

/** Of the forge under `github`, and of the groups under `groups.github`. */
export const GITHUB_ID = 'github';

const GITHUB_COM = 'https://api.github.com';

const rateFields = section({
  burst: integer({ fallback: 20, min: 1, max: 100_000 }),
  per_second: decimal({ fallback: 1, min: 0.001, max: 100_000 }),
});

/** A ceiling, `unlimited` for none, `default` for what suits the server. */
type DispatchRate = DispatchRateConfig | 'unlimited' | 'default';

const dispatchRate: Decoder<DispatchRate> = {
  decode: (at) => {
    if (at.shape === 'missing') return 'default';
    if (at.shape === 'scalar' && isUnlimited(at.scalar().text)) return 'unlimited';
    const { burst, per_second } = rateFields.decode(at).values;
    return { burst, perSecond: per_second };
  },
  keys: rateFields.keys,
};

export const githubFields = {
  token: secret(),
  runners_token: secret(),
  base_url: text(GITHUB_COM),
  poll_interval: duration({ fallback: '60s', min: '10ms', max: '576h' }),
  webhook_secret: secret(),
  poll_interval_with_webhooks: duration({ fallback: '2m', min: '10ms', max: '576h' }),
  webhook_grace: duration({ fallback: '10s', min: '10ms', max: '10m' }),
  rate_limit_buffer: integer({ fallback: 100, min: 1, max: 1_000_000 }),
  dispatch_rate: dispatchRate,
  request_timeout: duration({
    fallback: formatGoDuration(REQUEST_TIMEOUT_MS),
    min: '100ms',
    max: '10m',
  }),
};

export function buildGithub({ values, at }: Section<typeof githubFields>): GithubConfig {
  const token = takeToken(values.token, at.token, true);
  const runnersToken = takeToken(values.runners_token, at.runners_token, true);
  const baseUrl = checkBaseUrl(values.base_url, at.base_url);
  const isGithubCom = isHostedByGithub(baseUrl);
  return {
    id: GITHUB_ID,
    kind: 'github',
    configKey: 'github',
    token,
    runnersToken: runnersToken.isEmpty ? token : runnersToken,
    baseUrl,
    isGithubCom,
    pollIntervalMs: values.poll_interval,
    webhookSecret: takeSecret(values.webhook_secret, at.webhook_secret, true),
    pollIntervalWithWebhooksMs: Math.max(values.poll_interval_with_webhooks, values.poll_interval),
    webhookGraceMs: values.webhook_grace,
    rateLimitBuffer: values.rate_limit_buffer,
    dispatchRate: chooseRate(values.dispatch_rate, isGithubCom),
    requestTimeoutMs: values.request_timeout,
  };
}

// GitHub hosts companies under names of their own too (`api.NAME.ghe.com`), with the limits of github.com.
function isHostedByGithub(baseUrl: string): boolean {
  return baseUrl === GITHUB_COM || /^https:\/\/api\.[a-z0-9-]+\.ghe\.com$/.test(baseUrl);
}

// github.com answers bursts of writes with a secondary limit; a server of one's own has none.
function chooseRate(rate: DispatchRate, isGithubCom: boolean): DispatchRateConfig | null {
  if (rate === 'unlimited') return null;
  if (rate === 'default') return isGithubCom ? { burst: 20, perSecond: 1 } : null;
  return rate;
}

function isUnlimited(written: string): boolean {
  return ['unlimited', 'none', '0'].includes(written.trim().toLowerCase());
}

function checkBaseUrl(written: string, at: Cursor): string {
  const url = URL.canParse(written) ? new URL(written) : undefined;
  if (url === undefined || !['http:', 'https:'].includes(url.protocol)) {
    at.problem(
      `${quoteAt(at)} is no URL; write ${GITHUB_COM}, or https://HOST/api/v3 for a server of your own`,
    );
    return GITHUB_COM;
  }
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    at.problem('must be scheme, host and path only; write the token into github.token');
  }
  if (url.hostname === 'github.com' || url.hostname === 'www.github.com') {
    at.problem(`is the web site, not its API; write ${GITHUB_COM}`);
  }
  if (/^[a-z0-9-]+\.ghe\.com$/.test(url.hostname)) {
    at.problem(`is the web site, not its API; write https://api.${url.hostname}`);
  }
  return `${url.origin}${url.pathname.replace(/\/+$/, '')}`;
}
