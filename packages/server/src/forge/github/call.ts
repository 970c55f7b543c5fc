import type { Share } from './budget.ts';

/** What a call is named in metrics: names, never URLs. */
export type EndpointName =
  | 'rateLimit'
  | 'user'
  | 'userGet'
  | 'repoGet'
  | 'listRunners'
  | 'dispatch'
  | 'listRuns'
  | 'getRun'
  | 'getRunAttempt'
  | 'listRunJobs'
  | 'cancel'
  | 'forceCancel';

/** One request, as the client needs to know it; the route and its parameters are octokit's. */
export interface Call {
  readonly endpoint: EndpointName;
  readonly share: Share;
  /** The repository, scope or account: `acme/app`; `''`: the credential itself. Of those about one thing only some go at a time. */
  readonly about: string;
  /** For error texts, after "may not" and "could not": `list the runners of org:acme`. */
  readonly doing: string;
  /** For error texts: the permission without which it is refused; `''` for none. */
  readonly needs: string;
  /** It may change something: an answer that does not come leaves that open. */
  readonly isMutation: boolean;
  /** About one object. A 403 then says "not here"; else it says that the credential does not work at all. */
  readonly isAboutObject: boolean;
  /** A later page of a list that was let through: it may use half of what polling leaves, or one cut short each time would never be known. */
  readonly isContinued?: boolean;
  /** Asked directly before the first byte. */
  readonly maySend?: () => boolean;
  /** Answers 304 when nothing has changed since. */
  readonly etag?: string | undefined;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Parsed JSON, integers beyond 2^53 as bigint; the bare text where it is none; undefined without a body. */
  readonly data: unknown;
  /** See `Observed`. */
  readonly sentAt: number;
  readonly forgeSentAt: number;
}

export const ACTIONS_READ = 'Actions: read (classic tokens: scope repo)';
export const ACTIONS_WRITE = 'Actions: write (classic tokens: scope repo)';
