import { isIP } from 'node:net';
import type { ServerConfig } from '../config.ts';
import type { Cursor } from '../cursor.ts';
import { list, type Section, section, spotted } from '../decode.ts';
import { boolean, integer, quoteAt, text } from '../scalars.ts';

const perMinute = (fallback: number) =>
  section({ requests_per_minute: integer({ fallback, min: 1, max: 1_000_000 }) });

export const serverFields = {
  listen: text(':9090'),
  cors_origins: list(spotted(text())),
  trusted_proxies: list(spotted(text())),
  max_connections: integer({ fallback: 2_000, min: 10, max: 1_000_000 }),
  rate_limit: section({
    enabled: boolean(false),
    auth: perMinute(10),
    public: perMinute(60),
    authenticated: perMinute(120),
  }),
};

export function buildServer({ values, at }: Section<typeof serverFields>): ServerConfig {
  const { values: limits, at: limitsAt } = values.rate_limit;
  if (!limits.enabled) {
    for (const each of [limitsAt.auth, limitsAt.public, limitsAt.authenticated]) each.forgetUnset();
  }
  for (const origin of values.cors_origins) checkOrigin(origin.value, origin.at);
  for (const proxy of values.trusted_proxies) checkProxy(proxy.value, proxy.at);
  return {
    listen: parseListen(values.listen, at.listen),
    corsOrigins: values.cors_origins.map(({ value }) => value).filter((value) => value !== ''),
    trustedProxies: values.trusted_proxies
      .map(({ value }) => value)
      .filter((value) => value !== ''),
    maxConnections: values.max_connections,
    rateLimit: {
      enabled: limits.enabled,
      authPerMinute: limits.auth.values.requests_per_minute,
      publicPerMinute: limits.public.values.requests_per_minute,
      authenticatedPerMinute: limits.authenticated.values.requests_per_minute,
    },
  };
}

function parseListen(address: string, at: Cursor): ServerConfig['listen'] {
  const [, bracketed, plain, digits] = /^(?:\[(.*)\]|([^:[\]]*)):(\d+)$/.exec(address) ?? [];
  const port = Number(digits);
  if (digits === undefined || port > 65_535) {
    at.problem(
      `${quoteAt(at)} is not host:port; write :9090 for every interface, or 127.0.0.1:9090`,
    );
    return { host: '', port: 0 };
  }
  return { host: bracketed ?? plain ?? '', port };
}

// A browser sends scheme://host[:port] and nothing else; the comparison is exact.
function checkOrigin(origin: string, at: Cursor): void {
  if (origin === '*' || origin === '') return;
  const sent = URL.canParse(origin) ? new URL(origin).origin : 'null';
  if (sent !== 'null' && sent !== origin) {
    at.warn(`no browser sends this origin, so it allows nothing; write ${sent}`);
  } else if (sent === 'null') {
    at.warn(
      `${quoteAt(at)} is no origin, so it allows nothing; write it as https://ui.example.com`,
    );
  }
}

// A mistyped range must not silently trust nobody: then every client behind the proxy shares one rate limit.
function checkProxy(proxy: string, at: Cursor): void {
  if (proxy === '' || isAddressOrRange(proxy)) return;
  at.problem(`${quoteAt(at)} is no address or range; write 10.0.0.7, 10.0.0.0/8 or ::1`);
}

function isAddressOrRange(text: string): boolean {
  const [address = '', prefix, ...rest] = text.split('/');
  const version = isIP(address);
  if (version === 0 || rest.length > 0) return false;
  if (prefix === undefined) return true;
  return /^\d+$/.test(prefix) && Number(prefix) <= (version === 4 ? 32 : 128);
}
