import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import type { Event, EventKind } from '../../domain/event.ts';
import { makeEvent } from '../websocket.testkit.ts';
import { type Changes, PendingChanges } from './pending-changes.ts';

const watched = new Set(['g1', 'g2']);

const jobEvent = (subjectId: string, over: Partial<Event> = {}) =>
  makeEvent({ subjectId, ...over });

const anyEvent = fc.oneof(
  fc
    .record({
      kind: fc.constantFrom<EventKind>('job.enqueued', 'job.running', 'job.deleted'),
      job: fc.nat(6),
    })
    // A job stays in its group.
    .map(({ kind, job }) => jobEvent(`j${job}`, { kind, groupId: `g${(job % 3) + 1}` })),
  fc
    .record({ kind: fc.constantFrom<EventKind>('runner.changed', 'runner.gone'), n: fc.nat(3) })
    .map(({ kind, n }) =>
      makeEvent({ kind, subjectType: 'runner', subjectId: `r${n}`, groupId: null }),
    ),
  fc
    .constantFrom('g1', 'g2', 'g3')
    .map((id) =>
      makeEvent({ kind: 'group.paused', subjectType: 'group', subjectId: id, groupId: id }),
    ),
);

/** `null`: take, and put back; a number: take that many. */
const anyStep = fc.oneof(
  { weight: 4, arbitrary: anyEvent },
  fc.integer({ min: 1, max: 3 }),
  fc.constant(null),
);

interface JobEvent {
  jobs: Set<string>;
  groups: Set<string>;
  runners: Set<string>;
}

function note({ jobs, groups, runners }: Changes, told: JobEvent): void {
  for (const id of jobs.keys()) told.jobs.add(id);
  for (const id of groups) told.groups.add(id);
  for (const id of runners.keys()) told.runners.add(id);
}

describe('changes that wait to be pushed', () => {
  test.prop([fc.array(anyStep, { maxLength: 60 })])(
    'are each told after their last event, none lost, none of groups nobody watches',
    (steps) => {
      const pending = new PendingChanges(watched);
      const told: JobEvent = { jobs: new Set(), groups: new Set(), runners: new Set() };
      const due: JobEvent = { jobs: new Set(), groups: new Set(), runners: new Set() };
      for (const step of steps) {
        if (step === null) pending.putBack(pending.take(2));
        else if (typeof step === 'number') note(pending.take(step), told);
        else {
          pending.add(step);
          noteDue(step, due, told);
        }
      }
      while (!pending.isEmpty) note(pending.take(2), told);
      for (const what of ['jobs', 'groups', 'runners'] as const) {
        expect([...due[what]].filter((id) => !told[what].has(id))).toEqual([]);
      }
      expect(told.groups.has('g3')).toBe(false);
      expect([...told.jobs].filter((id) => Number(id.slice(1)) % 3 === 2)).toEqual([]);
    },
  );

  it('are one however often a job changed, in the order of the first', () => {
    const pending = new PendingChanges(watched);
    for (const id of ['b', 'a', 'b', 'b', 'a']) pending.add(jobEvent(id));
    expect([...pending.take(9).jobs.keys()]).toEqual(['b', 'a']);
    expect(pending.isEmpty).toBe(true);
  });

  it('are taken at most so many at once, and neither jobs nor runners keep the others out', () => {
    const pending = new PendingChanges(watched);
    for (const id of ['a', 'b', 'c', 'd', 'e']) {
      pending.add(jobEvent(id));
      pending.add(
        makeEvent({ kind: 'runner.changed', subjectType: 'runner', subjectId: id, groupId: null }),
      );
    }
    const sizes = Array.from({ length: 3 }, () => {
      const { jobs, runners } = pending.take(4);
      return [jobs.size, runners.size];
    });
    expect(sizes).toEqual([
      [2, 2],
      [2, 2],
      [1, 1],
    ]);
  });

  it('of a job that was deleted are those of its queue', () => {
    const pending = new PendingChanges(watched);
    pending.add(jobEvent('a'));
    pending.add(jobEvent('a', { kind: 'job.deleted' }));
    const { jobs, groups } = pending.take(9);
    expect([jobs.size, [...groups]]).toEqual([0, ['g1']]);
  });

  it('are not kept while nobody watches anything', () => {
    const pending = new PendingChanges(new Set());
    pending.add(makeEvent({ kind: 'runner.changed', subjectType: 'runner', groupId: null }));
    expect(pending.isEmpty).toBe(true);
  });
});

/** What must be told from now on, whatever was told before. */
function noteDue(event: Event, due: JobEvent, told: JobEvent): void {
  const { subjectType, subjectId, groupId, kind } = event;
  if (subjectType === 'runner') {
    due.runners.add(subjectId);
    told.runners.delete(subjectId);
  } else if (groupId !== null && watched.has(groupId)) {
    const isOfGroup = subjectType === 'group' || kind === 'job.deleted';
    const key = isOfGroup ? 'groups' : 'jobs';
    const id = isOfGroup ? groupId : subjectId;
    due[key].add(id);
    told[key].delete(id);
    if (kind === 'job.deleted') due.jobs.delete(subjectId);
  }
}
