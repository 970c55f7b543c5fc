/**
 * What we read of Vitest's JSON report.
 *
 * @typedef {object} Report
 * @property {{ name: string, status: string, message?: string, assertionResults: Result[] }[]} testResults
 *
 * @typedef {object} Result
 * @property {string} status
 * @property {string} fullName
 * @property {{ skipReason?: string }} meta By skip-reason-reporter.js.
 *
 * @typedef {object} Counts
 * @property {number} passed
 * @property {number} failed
 * @property {number} skipped
 * @property {string[]} remarks What the counts alone do not tell: why a test was skipped, what failed outside of tests.
 */

/**
 * Counts a run so that nothing that went wrong counts as nothing: Vitest's own sums leave out files that failed to
 * load, hooks that failed after their tests passed, errors outside of tests, and a run without any test.
 *
 * @param {string | undefined} json Vitest's report; undefined when it wrote none.
 * @param {boolean} didVitestSucceed
 * @param {boolean} [isNamed] Tests were chosen by name: those that do not fit count as not asked for.
 * @returns {Counts}
 */
export function countTests(json, didVitestSucceed, isNamed = false) {
  if (json === undefined) {
    return { passed: 0, failed: 1, skipped: 0, remarks: ['failed: vitest ended without a report'] };
  }
  const files = /** @type {Report} */ (JSON.parse(json)).testResults;
  const results = files.flatMap((file) => file.assertionResults);
  const count = (/** @type {string} */ status) =>
    results.filter((test) => test.status === status).length;
  const passed = count('passed');
  const broken = files
    .filter((file) => file.status === 'failed')
    .filter((file) => !file.assertionResults.some((test) => test.status === 'failed'))
    .map((file) => `failed outside of its tests: ${file.name}`);
  const skips = describeSkipped(results, isNamed);
  const failed = count('failed') + broken.length;
  const counts = { passed, failed, skipped: skips.length, remarks: [...skips, ...broken] };
  if (failed > 0) return counts;
  if (passed === 0) return oneMore(counts, 'failed: no test was run');
  if (!didVitestSucceed) {
    return oneMore(counts, 'failed: an error outside of all tests, see above');
  }
  return counts;
}

/** @param {Counts} counts */
export function lineOf({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}

/**
 * @param {Result[]} results
 * @param {boolean} isNamed
 * @returns {string[]}
 */
function describeSkipped(results, isNamed) {
  return results
    .filter(({ status }) => status !== 'passed' && status !== 'failed')
    .filter(({ meta }) => !isNamed || meta.skipReason !== undefined)
    .map(({ fullName, meta }) => `skipped: ${fullName}: ${meta.skipReason ?? 'no reason given'}`);
}

/**
 * @param {Counts} counts
 * @param {string} remark
 * @returns {Counts}
 */
function oneMore(counts, remark) {
  return { ...counts, failed: counts.failed + 1, remarks: [...counts.remarks, remark] };
}
