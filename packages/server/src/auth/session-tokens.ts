import { createHash, randomBytes } from 'node:crypto';

/** 32 random bytes as URL-safe base64 with padding: 44 characters. */
export function makeSessionToken(): string {
  return `${randomBytes(32).toString('base64url')}=`;
}

/** What the store keeps of a token: SHA-256 of its text, in hex. */
export function hashSessionToken(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

/** Where a request may carry a token. Header and query values as they came; the cookie decoded. */
export interface TokenSources {
  readonly authorization: string | undefined;
  readonly cookie: string | undefined;
  readonly query: string | undefined;
}

/**
 * The first source that holds something decides; a later one is not asked when it turns out to be invalid. Of another
 * scheme than Bearer the header holds nothing for us: a proxy passes its own login on (`Basic …`).
 */
export function findToken(sources: TokenSources): string | undefined {
  return [tokenOfHeader(sources.authorization), sources.cookie, sources.query].find(
    (token) => token !== undefined && token !== '',
  );
}

const BEARER = 'Bearer ';

/** A bare token has no space in it; a scheme has one behind it (RFC 9110 §11.4). Contract: `Bearer` is written so. */
function tokenOfHeader(authorization = ''): string | undefined {
  if (authorization.startsWith(BEARER)) return authorization.slice(BEARER.length);
  const isOtherScheme = authorization.includes(' ') && !/^bearer /i.test(authorization);
  return isOtherScheme ? undefined : authorization;
}
