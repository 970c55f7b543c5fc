import { describe, expect, it } from 'vitest';
import { aJob, aPlannedJob } from './job.testkit.ts';
import { JobBook } from './job-book.ts';

const seen = { isPaused: false, now: 2_000 };

function bookWithOne(): JobBook {
  const book = new JobBook();
  book.accept(aPlannedJob('job-001'), aJob('id-1'), 1_000);
  return book;
}

describe('the book of jobs', () => {
  it('tells each change of a status once', () => {
    const book = bookWithOne();
    const triggered = aJob('id-1', { status: 'triggered' });
    expect(book.see('id-1', triggered, seen)).toEqual([
      'job-001 geth/prysm dispatched, priority 0',
    ]);
    expect(book.see('id-1', triggered, seen)).toEqual([]);
  });

  it('knows what waits, what is open and what has ended', () => {
    const book = bookWithOne();
    expect([book.pending, book.listOpenIds(), book.ended]).toEqual([1, ['id-1'], 0]);
    book.see('id-1', aJob('id-1', { status: 'running' }), seen);
    expect([book.pending, book.listOpenIds(), book.ended]).toEqual([0, ['id-1'], 0]);
    book.see('id-1', aJob('id-1', { status: 'failed', run_id: 7 }), seen);
    expect([book.pending, book.listOpenIds(), book.ended]).toEqual([0, [], 1]);
    expect(book.lastEndAt).toBe(2_000);
    expect(book.facts(3_000)).toMatchObject([{ key: 'job-001', status: 'failed', runId: 7 }]);
  });

  it('says when the server has forgotten a job', () => {
    const book = bookWithOne();
    expect(book.see('id-1', undefined, seen)).toEqual([
      'job-001: the server does not know it any more',
    ]);
    expect(book.facts(3_000)).toMatchObject([{ status: 'unknown', runId: null }]);
  });

  it('leaves alone what it has not added', () => {
    const book = bookWithOne();
    expect(book.see('id-2', aJob('id-2', { status: 'failed' }), seen)).toEqual([]);
    expect(book.accepted).toBe(1);
  });

  it('notes how long a job was paused, also one that still is', () => {
    const book = bookWithOne();
    book.see('id-1', aJob('id-1'), { isPaused: true, now: 2_000 });
    book.see('id-1', aJob('id-1'), { isPaused: true, now: 3_000 });
    book.see('id-1', aJob('id-1'), { isPaused: false, now: 4_000 });
    book.see('id-1', aJob('id-1'), { isPaused: true, now: 5_000 });
    expect(book.facts(6_000)[0]?.pausedSpans).toEqual([
      { from: 2_000, to: 4_000 },
      { from: 5_000, to: 6_000 },
    ]);
  });
});
