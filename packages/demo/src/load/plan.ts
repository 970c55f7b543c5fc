import type { AddJobRequest } from '@dispatchoor/api-contract';
import type { Random } from '@dispatchoor/forge-sim/client';
import {
  type DemoGroup,
  type DemoTemplate,
  demoGroups,
  demoTemplates,
  FAILING_TEMPLATE_ID,
} from '../site/setting.ts';
import { KEY_INPUT } from '../summary/facts.ts';

/** A job as a script would add it: `POST /groups/{groupId}/queue`. */
export interface PlannedJob {
  readonly key: string;
  readonly group: DemoGroup;
  readonly durationMs: number;
  readonly priority: number;
  readonly request: Pick<AddJobRequest, 'template_id' | 'inputs' | 'priority'>;
}

/** In every so many jobs, one whose workflow fails, and two that overtake everything. */
const ROUND = 20;
const FAILING_AT = 6;
const URGENT_AT = [4, 13];
const URGENT_PRIORITY = 80;

/** An endless mixed load; the same seed gives the same one. */
export function* plannedJobs(random: Random): Generator<PlannedJob, never> {
  for (let number = 1; ; ) {
    for (const [i, group] of roundOfGroups(random).entries()) {
      const isFailing = i === FAILING_AT;
      const picked = isFailing ? undefined : random.pick(templatesOf(group));
      const template = picked ?? failingTemplate();
      const owner = groupOf(template);
      const priority = URGENT_AT.includes(i) ? URGENT_PRIORITY : owner.priority;
      yield plannedJob(number, template, owner, priority, random);
      number += 1;
    }
  }
}

function plannedJob(
  number: number,
  template: DemoTemplate,
  group: DemoGroup,
  priority: number,
  random: Random,
): PlannedJob {
  const key = `job-${String(number).padStart(3, '0')}`;
  const durationMs = random.within(group.durationsMs);
  const inputs = { [KEY_INPUT]: key, 'duration-ms': String(durationMs) };
  return {
    key,
    group,
    durationMs,
    priority,
    request: { template_id: template.id, inputs, priority },
  };
}

/** Groups in a random order, each as often as its share says. */
function roundOfGroups(random: Random): DemoGroup[] {
  const round = demoGroups.flatMap((group) =>
    Array.from({ length: Math.round((group.share * ROUND) / 100) }, () => group),
  );
  return random.shuffled(round);
}

function templatesOf(group: DemoGroup): DemoTemplate[] {
  return demoTemplates.filter(
    ({ groupId, id }) => groupId === group.id && id !== FAILING_TEMPLATE_ID,
  );
}

function failingTemplate(): DemoTemplate {
  return getBy(demoTemplates, FAILING_TEMPLATE_ID);
}

function groupOf(template: DemoTemplate): DemoGroup {
  return getBy(demoGroups, template.groupId);
}

function getBy<T extends { readonly id: string }>(items: readonly T[], id: string): T {
  const item = items.find((one) => one.id === id);
  if (item === undefined) throw new Error(`demo: ${id} is not there`);
  return item;
}
