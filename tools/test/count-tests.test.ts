import { describe, expect, it } from 'vitest';
import { countTests, lineOf } from './count-tests.js';

interface Told {
  readonly status: string;
  readonly fullName: string;
  readonly meta: { readonly skipReason?: string };
}

function file(status: string, ...tests: (string | Told)[]) {
  const assertionResults = tests.map((test) =>
    typeof test === 'string' ? { status: test, fullName: 'a test', meta: {} } : test,
  );
  return { name: 'a.test.ts', status, assertionResults };
}

function skip(fullName: string, skipReason?: string): Told {
  return { status: 'skipped', fullName, meta: skipReason === undefined ? {} : { skipReason } };
}

function count(didVitestSucceed: boolean, ...testResults: ReturnType<typeof file>[]) {
  const { passed, failed } = countTests(JSON.stringify({ testResults }), didVitestSucceed);
  return { passed, failed };
}

describe('the count of a test run', () => {
  it('is that of the tests when all is well', () => {
    const counted = count(true, file('passed', 'passed', 'passed'), file('passed', 'passed'));
    expect(counted).toEqual({ passed: 3, failed: 0 });
  });

  it('counts skipped tests, each with its reason above', () => {
    const skipped = [skip('clock:ahead by much', 'libfaketime is not installed'), skip('later')];
    const json = JSON.stringify({ testResults: [file('passed', 'passed', ...skipped)] });
    const counts = countTests(json, true);
    expect(counts.remarks).toEqual([
      'skipped: clock:ahead by much: libfaketime is not installed',
      'skipped: later: no reason given',
    ]);
    expect(lineOf(counts)).toBe('1 passed, 0 failed, 2 skipped');
  });

  it('leaves out those that were not asked for by name', () => {
    const skipped = [skip('asked for', 'not here'), skip('another')];
    const json = JSON.stringify({ testResults: [file('passed', 'passed', ...skipped)] });
    expect(countTests(json, true, true)).toMatchObject({
      skipped: 1,
      remarks: ['skipped: asked for: not here'],
    });
  });

  it('counts each failed test', () => {
    const counted = count(false, file('failed', 'passed', 'failed', 'failed'));
    expect(counted).toEqual({ passed: 1, failed: 2 });
  });

  it('counts a file that failed to load as a failure', () => {
    expect(count(false, file('failed'), file('passed', 'passed'))).toEqual({
      passed: 1,
      failed: 1,
    });
  });

  it('counts a file that left something running as a failure', () => {
    expect(count(false, file('failed', 'passed'))).toEqual({ passed: 1, failed: 1 });
  });

  it('counts an error outside of all files as a failure', () => {
    expect(count(false, file('passed', 'passed'))).toEqual({ passed: 1, failed: 1 });
  });

  it('fails without tests and without a report', () => {
    expect(count(true)).toEqual({ passed: 0, failed: 1 });
    expect(countTests(undefined, true)).toMatchObject({ passed: 0, failed: 1 });
  });
});
