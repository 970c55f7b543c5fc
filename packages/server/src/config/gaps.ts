import type { Config } from './config.ts';

/** What is allowed, and yet not what somebody who starts a server wants: one sentence each, for the log. */
export function listGaps({ auth, dispatcher, github, groups }: Config): string[] {
  const gaps: string[] = [];
  if (!dispatcher.enabled) {
    gaps.push('dispatcher.enabled is false: jobs are queued, and none is sent');
  }
  if (github.token.isEmpty) gaps.push('github.token is empty: jobs are queued, and none is sent');
  if (groups.length === 0) gaps.push('groups.github is empty: there is nothing to queue for');
  if (auth.github.enabled) {
    const rest = auth.basic.enabled ? 'only auth.basic works' : 'nobody can log in';
    gaps.push(`auth.github: login through GitHub is not there yet: ${rest}`);
  }
  return gaps;
}
