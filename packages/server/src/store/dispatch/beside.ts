/**
 * Jobs that stay behind must not hide those behind them: those that have to wait for the outcome of one that was sent before,
 * all but one of a target whose probe is due, and those for which the plan has no runner while it leaves one to others.
 */
import type { Kysely } from 'kysely';
import type { PlanRoom } from '../../domain/dispatch-plan/dispatch-plan.ts';
import type { GroupRoom } from '../../domain/dispatch-plan/room.ts';
import { DoubtedTargets } from '../../domain/doubt.ts';
import type { DispatchTarget } from '../../domain/job.ts';
import { scopeCovers } from '../../domain/runner.ts';
import type { Schema, TargetBlockRow } from '../schema.ts';
import {
  type GroupView,
  type HeadContext,
  inOrder,
  MOST_AT_ONCE,
  originOfWaiting,
  queryOf,
  runnersOf,
  targetOfWaiting,
  templateTarget,
  type WaitingTemplate,
} from './group-view.ts';
import { type HeadQuery, type HeadRow, listHeads, type PassedOver, wordsOf } from './heads.ts';
import { blocks } from './targets.ts';

/** Each finds at least one more target whose jobs stay: a few say all, unless one target is written in many ways. */
const MOST_ROUNDS = 8;
/** From this one on no more probes are shown: were there dozens due, what stands behind them would never be. */
const PROBELESS_ROUND = 4;
/** Of one group: what a statement may be handed is limited. */
const MOST_OWN_TARGETS = 100;
/** Of one group in a look, where many look at once. */
const FEWEST_OF_GROUP = 3;

/**
 * `going`, and what stands behind those of them that may stay. Which of them have to wait for an outcome only their inputs
 * tell, and one of them may be a probe, so these are shown, too.
 */
export async function listBeside(
  db: Kysely<Schema>,
  going: readonly HeadRow[],
  views: readonly GroupView[],
  context: HeadContext,
): Promise<HeadRow[]> {
  const hurdles = new Hurdles(context);
  let shown = inOrder(going);
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const byGroup = Map.groupBy(shown, (row) => row.group_id);
    const units = shown.reduce((sum, job) => sum + hurdles.runnersOf(job), 0);
    const cut = views.filter((view) => {
      const ofGroup = byGroup.get(view.base.groupId) ?? [];
      if (ofGroup.length === 0) return false;
      if (ofGroup.length >= (context.pending.get(view.base.groupId) ?? 0)) return false;
      return !hurdles.isOutcomePlain(view, ofGroup, units + context.held);
    });
    if (cut.length === 0) break;
    await context.yieldNow();
    const room = await context.findRoom(shown.filter((job) => !hurdles.mayStay(job)));
    const left = MOST_AT_ONCE - (shown.length - going.length);
    const share = Math.max(FEWEST_OF_GROUP, Math.floor(left / cut.length));
    const queries = cut.flatMap((view) =>
      hurdles.passOver({
        ...{ view, share, room, isEnough: left <= 0 },
        isProbeless: round >= PROBELESS_ROUND,
        shown: byGroup.get(view.base.groupId) ?? [],
      }),
    );
    if (queries.length === 0) break;
    const all = inOrder([...shown, ...(await listHeads(db, queries, context))]);
    if (all.length === shown.length) break;
    shown = all;
  }
  return shown;
}

interface Round {
  readonly view: GroupView;
  /** How many jobs to read beyond those that are sent. */
  readonly share: number;
  /** Groups with something to send are read for the next plan. */
  readonly isEnough: boolean;
  readonly room: PlanRoom;
  /** Without all those of targets whose probe is due. */
  readonly isProbeless: boolean;
  /** Of the group. */
  readonly shown: readonly HeadRow[];
}

class Hurdles {
  readonly #context: HeadContext;
  readonly #doubted: DoubtedTargets;
  /** Of targets to which one probe may go. */
  readonly #due: readonly TargetBlockRow[];
  readonly #templates: ReadonlyMap<string, WaitingTemplate>;
  readonly #byGroup: ReadonlyMap<string, readonly WaitingTemplate[]>;
  /** Per group, by their words. */
  readonly #passedOver = new Map<string, Map<string, PassedOver>>();

  constructor(context: HeadContext) {
    this.#context = context;
    this.#doubted = new DoubtedTargets(context.doubts);
    const { activeBlocks, now, templates } = context;
    this.#due = activeBlocks.filter((row) => (row.next_probe_at ?? Infinity) <= now);
    this.#templates = new Map(templates.map((row) => [row.template_id, row]));
    this.#byGroup = Map.groupBy(
      templates.filter((row) => row.owner !== null),
      (row) => row.group_id,
    );
  }

  /**
   * What most plans come to is told without one, which costs as much as the plan that follows: jobs that any free runner of the
   * group will do for use them all up, or there is one for each of them whatever others take.
   *
   * @param units of all that is shown and held
   */
  isOutcomePlain({ free, scopes }: GroupView, ofGroup: readonly HeadRow[], units: number): boolean {
    const plain = ofGroup.filter((job) => {
      if (this.runnersOf(job) > 1 || this.mayStay(job)) return false;
      const { owner, repo } = targetOfWaiting(job, originOfWaiting(job, this.#templates));
      return scopes.every((scope) => scopeCovers(scope, owner, repo));
    });
    return plain.length >= free || (plain.length === ofGroup.length && units <= free);
  }

  runnersOf(job: HeadRow): number {
    return runnersOf(originOfWaiting(job, this.#templates));
  }

  /** For want of other things than a runner. */
  mayStay(job: HeadRow): boolean {
    if (this.#doubted.isEmpty && this.#due.length === 0) return false;
    const origin = originOfWaiting(job, this.#templates);
    const target = targetOfWaiting(job, origin);
    return this.#isDue(target) || this.#isDoubted(target, origin);
  }

  #isDue(target: DispatchTarget): boolean {
    return this.#due.some((row) => blocks(row, target));
  }

  #isDoubted(target: DispatchTarget, origin: WaitingTemplate | undefined): boolean {
    if (this.#doubted.isEmpty) return false;
    const input = origin?.correlation_input ?? null;
    if (input !== null && !this.#context.isUnnamed(target, input)) return false;
    return this.#doubted.has(target);
  }

  /** As `queryOf`, without those of `shown` that stay, and all like them; nothing where that would be too many. */
  passOver({ view, share, isEnough, room, isProbeless, shown }: Round): HeadQuery[] {
    const { groupId } = view.base;
    const staying = shown.filter((job) => !room.isSent(job.id));
    if (staying.length === 0 || (isEnough && staying.length < shown.length)) return [];
    const left = room.ofGroup(groupId);
    const scopes = left.listScopes();
    if (scopes.length === 0) return [];
    const withoutOwn = this.#passOverOwn(groupId, staying, left);
    if (withoutOwn.length > MOST_OWN_TARGETS) return [];
    const templates = this.#byGroup.get(groupId) ?? [];
    const stays = this.#likenessTo(staying);
    const isOut = (row: WaitingTemplate): boolean =>
      stays(row) ||
      (isProbeless && this.#isDue(templateTarget(row))) ||
      isWithoutRoom(left, runnersOf(row), placeOf(row));
    const query = queryOf({ ...view, scopes, uncovered: templates.filter(isOut).map(idOf) });
    const ofOwn = new Set(
      staying.filter(hasOwnTarget).map((job) => originOfWaiting(job, this.#templates)),
    );
    const tooWide = templates.filter((row) =>
      ofOwn.has(row)
        ? left.count(runnersOf(row)) < runnersOf(row)
        : isWithoutRoom(left, runnersOf(row)),
    );
    // Those that are sent are read again.
    const most = Math.min(query.most, share) + shown.length - staying.length;
    const withoutOwnOf = tooWide.map(idOf);
    return [{ ...query, most, withoutOwnOf, withoutOwn, withoutProbes: isProbeless }];
  }

  #passOverOwn(groupId: string, staying: readonly HeadRow[], left: GroupRoom): PassedOver[] {
    const passedOver = this.#passedOver.get(groupId) ?? new Map<string, PassedOver>();
    this.#passedOver.set(groupId, passedOver);
    for (const job of staying.filter(hasOwnTarget)) {
      const target = targetOfWaiting(job, originOfWaiting(job, this.#templates));
      // Without room its scopes keep it out.
      if (this.mayStay(job) || left.count(1, target) > 0) {
        const alike = { ...job, ...this.#widestOf(target) };
        passedOver.set(JSON.stringify(wordsOf(alike)), alike);
      }
    }
    return [...passedOver.values()];
  }

  /** What stays because of a block is passed over as far as that reaches: each branch of one failing workflow would hide those behind it. */
  #widestOf(target: DispatchTarget): Pick<PassedOver, 'isAnyRef' | 'isAnyWorkflow'> {
    const due = this.#due.filter((row) => blocks(row, target));
    return {
      isAnyRef: due.some(({ ref }) => ref === ''),
      isAnyWorkflow: due.some(({ workflow_id }) => workflow_id === ''),
    };
  }

  /** Whether jobs that go where their template goes would stay as one of these does. */
  #likenessTo(staying: readonly HeadRow[]): (row: WaitingTemplate) => boolean {
    const origins = new Set<WaitingTemplate | undefined>();
    const fewest = new Map<TargetBlockRow, number>();
    let isOneDoubted = false;
    for (const job of staying) {
      const origin = originOfWaiting(job, this.#templates);
      const target = targetOfWaiting(job, origin);
      if (!hasOwnTarget(job)) origins.add(origin);
      isOneDoubted ||= this.#isDoubted(target, origin);
      for (const block of this.#due.filter((row) => blocks(row, target))) {
        fewest.set(block, Math.min(fewest.get(block) ?? Infinity, runnersOf(origin)));
      }
    }
    return (row) => {
      const target = templateTarget(row);
      if (origins.has(row) || (isOneDoubted && this.#isDoubted(target, row))) return true;
      return [...fewest].some(([block, n]) => n <= runnersOf(row) && blocks(block, target));
    };
  }
}

const idOf = (row: WaitingTemplate): string => row.template_id;

/** One for which those behind it may have to leave runners alone is shown: they would overtake it. */
function isWithoutRoom(
  left: GroupRoom,
  runners: number,
  place?: ReturnType<typeof placeOf>,
): boolean {
  return left.count(runners, place) < runners && !left.mayKeep(runners, place);
}

const placeOf = ({ owner, repo }: WaitingTemplate) => ({ owner: owner ?? '', repo: repo ?? '' });

function hasOwnTarget({ template_id, owner, repo, workflow_id, ref }: HeadRow): boolean {
  return template_id === null || [owner, repo, workflow_id, ref].some((word) => word !== null);
}
