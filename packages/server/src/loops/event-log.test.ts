import { expect, it } from 'vitest';
import type { Event } from '../domain/event.ts';
import { makeLogger } from '../lib/logger.ts';
import { logEvent } from './event-log.ts';

const event: Event = {
  seq: 1,
  at: 0,
  origin: 'me',
  kind: 'attempt.accepted',
  subjectType: 'attempt',
  subjectId: 'a1',
  groupId: 'g1',
  forgeId: 'github',
  actor: 'dispatchoor',
  isAudit: false,
  data: { jobId: 'j1', state: 'accepted', runId: '7', secretive: 'no' },
};

function logged(over: Partial<Event>): Record<string, unknown> | undefined {
  let line = '';
  const logger = makeLogger('info', { write: (text) => void (line += text) });
  logEvent(logger, { ...event, ...over });
  return line === '' ? undefined : (JSON.parse(line) as Record<string, unknown>);
}

it('tells of a dispatch with its job, run and group', () => {
  const { time: _, ...line } = logged({}) ?? {};
  expect(line).toEqual({
    ...{ level: 30, msg: 'job dispatched' },
    ...{ attemptId: 'a1', groupId: 'g1', jobId: 'j1', runId: '7' },
  });
});

it('names the person behind what a person decided', () => {
  const line = logged({ kind: 'job.cancelled', subjectType: 'job', actor: 'ann', isAudit: true });
  expect(line).toMatchObject({ msg: 'job cancelled', jobId: 'j1', actor: 'ann' });
});

it('keeps quiet about what nobody would look for', () => {
  expect(logged({ kind: 'runner.changed', subjectType: 'runner' })).toBeUndefined();
});
