import { stripVTControlCharacters } from 'node:util';
import type { GroupWithStats, Runner } from '@dispatchoor/api-contract';
import { describe, expect, it } from 'vitest';
import { aJob } from '../load/job.testkit.ts';
import { PlainView } from './plain-view.ts';
import { type Screen, screenLines } from './screen.ts';
import type { Snapshot } from './snapshot.ts';
import { TerminalView } from './terminal-view.ts';

const at = '2026-01-01T12:00:00.000Z';
const now = Date.parse(at);
const stamps = { created_at: at, updated_at: at };
const access = {
  ...{ url: 'http://127.0.0.1:9090', username: 'demo', password: 'pw' },
  ...{ curl: `curl ${'x'.repeat(150)}`, stateFolder: '/tmp/state' },
};
const group: GroupWithStats = {
  ...{ id: 'g', name: 'Sync mainnet', description: '', runner_labels: ['x'], ...stamps },
  ...{ enabled: true, paused: false, queued_jobs: 3, running_jobs: 1, idle_runners: 0 },
  ...{ busy_runners: 1, total_runners: 1, template_count: 2 },
};
const runner: Runner = {
  ...{ id: 1, name: 'metal-1', labels: ['self-hosted', 'XXL'], status: 'online', busy: true },
  ...{ os: 'Linux', last_seen_at: at, ...stamps },
};
const why = {
  ...{ code: 'all-busy', message: 'all 7 runners that fit are busy', since: at, ahead: 0 },
  ...{ free: 0, fitting: 7, held_by: [], retry_at: null, labels_missing: [] },
  ...{ template_change: null, actions: [] },
};
const snapshot: Snapshot = {
  at: now + 61_000,
  groups: [{ group, head: aJob('id-2', { priority: 20 }), why }],
  runners: [{ runner, job: aJob('id-1', { triggered_at: at }) }],
  accepted: 4,
  ended: 0,
};

const linesOf = (more: Partial<Screen> = {}) =>
  screenLines({
    ...{ access, elapsed: '1:01', snapshot, events: ['one', 'two'], columns: 100, rows: 30 },
    ...more,
  }).map((line) => stripVTControlCharacters(line));

describe('the screen', () => {
  it('shows the queue with why its head waits, the runners, and what happened', () => {
    const text = linesOf({ columns: 130 }).join('\n');
    expect(text).toContain('job-001 geth/prysm p20: all 7 runners that fit are busy');
    expect(text).toMatch(/metal-1 +XXL +busy +job-001 geth\/prysm 1:01/);
    expect(text).toContain('login demo / pw');
    expect(text).toMatch(/EVENTS\none\ntwo$/);
  });

  it('fits into the terminal, newest events last', () => {
    const events = Array.from({ length: 50 }, (_, i) => `event ${i}`);
    const lines = linesOf({ events, columns: 60, rows: 16 });
    const rows = lines.reduce((sum, line) => sum + Math.max(1, Math.ceil(line.length / 60)), 0);
    expect(rows).toBeLessThanOrEqual(16);
    expect(lines.at(-1)).toBe('event 49');
    for (const line of lines) {
      if (!line.startsWith('curl')) expect(line.length).toBeLessThanOrEqual(60);
    }
  });

  it('leaves room for events in a terminal of 80 × 24 with twelve runners', () => {
    const runners = Array.from({ length: 12 }, () => snapshot.runners).flat();
    const lines = linesOf({ snapshot: { ...snapshot, runners }, columns: 80, rows: 24 });
    expect(lines.join('\n')).toMatch(/metal-1 +busy +job-001 1:01 +metal-1 +busy +job-001 1:01/);
    expect(lines.at(-1)).toBe('two');
  });

  it('does without a snapshot, as long as there is none', () => {
    expect(linesOf({ snapshot: undefined }).join('\n')).toContain('0 jobs accepted');
  });
});

describe('the views', () => {
  const clock = { now: () => now };

  it('give the terminal back as it was, once', () => {
    const written: string[] = [];
    const view = new TerminalView({ write: (text) => written.push(text) }, clock, access);
    view.show(snapshot);
    view.close();
    view.print('too late');
    view.close();
    expect(written[0]).toContain('\u001b[?1049h');
    expect(written.at(-1)).toContain('\u001b[?1049l');
    expect(written.filter((text) => text.includes('\u001b[?1049l'))).toHaveLength(1);
  });

  it('print plain lines, how things stand only every few seconds', () => {
    const written: string[] = [];
    const view = new PlainView({ write: (text) => written.push(text) }, clock, access);
    view.show(snapshot);
    view.show({ ...snapshot, at: snapshot.at + 4_999 });
    view.print('job-001 runs');
    const text = written.join('');
    expect(text.match(/jobs accepted/g)).toHaveLength(1);
    expect(text).toContain('0:00  job-001 runs');
    expect(text).not.toContain('\u001b');
  });
});
