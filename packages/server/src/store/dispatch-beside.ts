/**
 * Jobs that stay behind must not hide those behind them: those that have to wait for the outcome of one that was sent before,
 * and all but one of a target whose probe is due.
 */
import type { Kysely } from 'kysely';
import { DoubtedTargets } from '../domain/doubt.ts';
import type { DispatchTarget } from '../domain/job.ts';
import {
  type GroupSight,
  type HeadScene,
  originOfWaiting,
  queryOf,
  targetOfWaiting,
  templateTarget,
  type WaitingTemplate,
} from './dispatch-choose-heads.ts';
import {
  type HeadQuery,
  type HeadRow,
  listHeads,
  type OwnTarget,
  wordsOf,
} from './dispatch-heads.ts';
import { blocks } from './dispatch-targets.ts';
import type { Schema, TargetBlockRow } from './schema.ts';

/** Each finds at least one more target whose jobs stay: a few say all, unless one target is written in many ways. */
const MOST_LOOKS = 8;
/** Of one group: what a statement may be handed is limited. */
const MOST_OWN_TARGETS = 100;

/**
 * What stands behind those of `going` that may stay. Which of them have to wait for an outcome only their inputs tell, and one
 * of them may be a probe, so these are shown, too.
 */
export async function listBeside(
  db: Kysely<Schema>,
  going: readonly HeadRow[],
  sights: readonly GroupSight[],
  scene: HeadScene,
): Promise<HeadRow[]> {
  const hurdles = new Hurdles(scene);
  const found: HeadRow[] = [];
  let seen = going;
  for (let look = 0; look < MOST_LOOKS; look++) {
    const staying = Map.groupBy(
      seen.filter((job) => hurdles.mayStay(job)),
      (job) => job.group_id,
    );
    if (staying.size === 0) break;
    const queries = sights.flatMap((sight) => {
      const jobs = staying.get(sight.base.groupId);
      return jobs === undefined ? [] : hurdles.passOver(sight, jobs);
    });
    if (queries.length === 0) break;
    seen = await listHeads(db, queries, scene);
    found.push(...seen);
  }
  return found;
}

class Hurdles {
  readonly #scene: HeadScene;
  readonly #doubted: DoubtedTargets;
  /** Of targets to which one probe may go. */
  readonly #due: readonly TargetBlockRow[];
  readonly #templates: ReadonlyMap<string, WaitingTemplate>;
  /** Per group, by their words. */
  readonly #passedOver = new Map<string, Map<string, OwnTarget>>();

  constructor(scene: HeadScene) {
    this.#scene = scene;
    this.#doubted = new DoubtedTargets(scene.doubts);
    const { activeBlocks, now } = scene;
    this.#due = activeBlocks.filter((row) => (row.next_probe_at ?? Infinity) <= now);
    this.#templates = new Map(scene.templates.map((row) => [row.template_id, row]));
  }

  mayStay(job: HeadRow): boolean {
    if (this.#doubted.isEmpty && this.#due.length === 0) return false;
    const origin = originOfWaiting(job, this.#templates);
    return this.#mayStayAt(targetOfWaiting(job, origin), origin);
  }

  #mayStayAt(target: DispatchTarget, origin: WaitingTemplate | undefined): boolean {
    if (this.#due.some((row) => blocks(row, target))) return true;
    const input = origin?.correlation_input ?? null;
    if (input !== null && !this.#scene.isUnnamed(target, input)) return false;
    return this.#doubted.has(target);
  }

  /** As `queryOf`, without these jobs, those before them, and all like them; nothing where that would be too many. */
  passOver(sight: GroupSight, jobs: readonly HeadRow[]): HeadQuery[] {
    const { groupId } = sight.base;
    const passedOver = this.#passedOver.get(groupId) ?? new Map<string, OwnTarget>();
    this.#passedOver.set(groupId, passedOver);
    for (const job of jobs) passedOver.set(JSON.stringify(wordsOf(job)), job);
    if (passedOver.size > MOST_OWN_TARGETS) return [];
    const query = queryOf(sight);
    const stay = this.#scene.templates.filter(
      (row) =>
        row.group_id === groupId && row.owner !== null && this.#mayStayAt(templateTarget(row), row),
    );
    const withoutTemplates = [...query.withoutTemplates, ...stay.map((row) => row.template_id)];
    return [{ ...query, withoutTemplates, withoutOwn: [...passedOver.values()] }];
  }
}
