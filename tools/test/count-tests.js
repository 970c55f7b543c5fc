/**
 * What we read of Vitest's JSON report.
 *
 * @typedef {object} Report
 * @property {{ name: string, status: string, message?: string, assertionResults: { status: string }[] }[]} testResults
 */

/**
 * Counts a run so that nothing that went wrong counts as nothing: Vitest's own sums leave out files that failed to
 * load, hooks that failed after their tests passed, errors outside of tests, and a run without any test.
 *
 * @param {string | undefined} json Vitest's report; undefined when it wrote none.
 * @param {boolean} didVitestSucceed
 * @returns {{ passed: number, failed: number, remarks: string[] }}
 */
export function countTests(json, didVitestSucceed) {
  if (json === undefined) {
    return { passed: 0, failed: 1, remarks: ['failed: vitest ended without a report'] };
  }
  const files = /** @type {Report} */ (JSON.parse(json)).testResults;
  const count = (/** @type {string} */ status) =>
    files.flatMap((file) => file.assertionResults).filter((test) => test.status === status).length;
  const passed = count('passed');
  const remarks = files
    .filter((file) => file.status === 'failed')
    .filter((file) => !file.assertionResults.some((test) => test.status === 'failed'))
    .map((file) => `failed outside of its tests: ${file.name}`);
  const failed = count('failed') + remarks.length;
  if (failed > 0) return { passed, failed, remarks };
  if (passed === 0) return { passed, failed: 1, remarks: ['failed: no test was run'] };
  if (!didVitestSucceed) {
    return { passed, failed: 1, remarks: ['failed: an error outside of all tests, see above'] };
  }
  return { passed, failed, remarks };
}
