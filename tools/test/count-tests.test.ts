import { describe, expect, it } from 'vitest';
import { countTests } from './count-tests.js';

function file(status: string, ...tests: string[]) {
  return { name: 'a.test.ts', status, assertionResults: tests.map((test) => ({ status: test })) };
}

function count(didVitestSucceed: boolean, ...testResults: ReturnType<typeof file>[]) {
  const { passed, failed } = countTests(JSON.stringify({ testResults }), didVitestSucceed);
  return { passed, failed };
}

describe('the count of a test run', () => {
  it('is that of the tests when all is well, without those that were skipped', () => {
    const counted = count(
      true,
      file('passed', 'passed', 'passed'),
      file('passed', 'skipped', 'passed'),
    );
    expect(counted).toEqual({ passed: 3, failed: 0 });
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
