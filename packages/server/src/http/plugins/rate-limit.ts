import type { FastifyRequest } from 'fastify';
import type { Clock } from '../../lib/clock.ts';
import { clientKey } from '../client-key.ts';
import type { RateLimitOptions } from '../deps.ts';
import { HttpError } from '../errors.ts';
import { TokenBuckets } from '../token-buckets.ts';

export type Tier = 'auth' | 'public' | 'authenticated';

/** An onRequest hook for the routes of one tier. */
export type LimitHook = (request: FastifyRequest) => Promise<void>;

/**
 * Three limits that do not draw on each other. The authenticated one stands before the session is looked up, so
 * that guessing tokens is limited too.
 */
export function makeRateLimits(
  options: RateLimitOptions,
  clock: Clock,
): Readonly<Record<Tier, LimitHook>> {
  const limit = (perMinute: number): LimitHook => {
    if (!options.isEnabled) return async () => undefined;
    const buckets = new TokenBuckets(clock, perMinute);
    return async (request) => {
      if (!buckets.tryTake(clientKey(request.ip))) {
        throw new HttpError(429, 'rate-limited', 'rate limit exceeded', { 'retry-after': '60' });
      }
    };
  };
  return {
    auth: limit(options.authPerMinute),
    public: limit(options.publicPerMinute),
    authenticated: limit(options.authenticatedPerMinute),
  };
}
