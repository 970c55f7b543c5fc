import type { ScopeCounts } from '../dispatch-state.ts';
import { scopeCovers } from '../runner.ts';
import type { WaitInput } from './input.ts';

/** What the group's last plan says of the runners that serve the job's own repository. All zero without a plan. */
export function runnersFor({ plan, target }: WaitInput): Omit<ScopeCounts, 'scope'> {
  const { owner, repo } = target;
  const serving = plan?.scopes.filter(({ scope }) => scopeCovers(scope, owner, repo)) ?? [];
  const sum = (count: (one: ScopeCounts) => number): number =>
    serving.reduce((all, one) => all + count(one), 0);
  return {
    free: sum((one) => one.free),
    left: sum((one) => one.left),
    online: sum((one) => one.online),
    total: sum((one) => one.total),
    isFresh: serving.some((one) => one.isFresh && one.total > 0),
  };
}
