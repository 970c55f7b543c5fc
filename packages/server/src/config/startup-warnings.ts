import type { Config, TemplateConfig } from './config.ts';

/** What is allowed, and yet not what somebody who starts a server wants: one sentence each, for the log. */
export function listStartupWarnings({ auth, dispatcher, forges, groups }: Config): string[] {
  const warnings: string[] = [];
  if (!dispatcher.enabled) {
    warnings.push('dispatcher.enabled is false: jobs are queued, and none is sent');
  }
  for (const { configKey, token } of forges) {
    if (token.isEmpty)
      warnings.push(`${configKey}.token is empty: jobs are queued, and none is sent`);
  }
  if (groups.length === 0) warnings.push('groups.github is empty: there is nothing to queue for');
  if (auth.github.enabled) {
    const rest = auth.basic.enabled ? 'only auth.basic works' : 'nobody can log in';
    warnings.push(`auth.github: login through GitHub is not there yet: ${rest}`);
  }
  const unnamed = groups.flatMap(({ templates }) => templates.filter(isUnnamed));
  if (unnamed.length > 0) warnings.push(unnamedWarning(unnamed.map(({ id }) => id)));
  return warnings;
}

function isUnnamed({ correlationInput }: TemplateConfig): boolean {
  return correlationInput === null;
}

const NAMED_AT_MOST = 10;

/** A lost answer is rare, and then it is too late to add what would have told whose the run is. */
function unnamedWarning(ids: readonly string[]): string {
  const first = ids.slice(0, NAMED_AT_MOST).join(', ');
  const more = ids.length > NAMED_AT_MOST ? ` and ${ids.length - NAMED_AT_MOST} more` : '';
  return (
    `templates without correlation_input (${first}${more}): when the answer to a dispatch is lost its run is known by ` +
    'time alone, so jobs of one workflow with different inputs wait for each other. Two lines mend it: ' +
    '`correlation_input: dispatch_id` in the template, and in the workflow, which declares that input, ' +
    '`run-name: ${{ github.workflow }} ${{ inputs.dispatch_id }}`'
  );
}
