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

const BEARER = 'Bearer ';

/** The first source that holds something decides; a later one is not asked when it turns out to be invalid. */
export function findToken(sources: TokenSources): string | undefined {
  const { authorization = '' } = sources;
  const fromHeader = authorization.startsWith(BEARER)
    ? authorization.slice(BEARER.length)
    : authorization;
  return [fromHeader, sources.cookie, sources.query].find(
    (token) => token !== undefined && token !== '',
  );
}
