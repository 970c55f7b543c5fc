/**
 * Leaves the reason with a test that skipped itself: Vitest knows it, but its JSON report does not have it.
 *
 * @typedef {import('vitest/node').Reporter} Reporter
 * @implements {Reporter}
 */
export default class SkipReasonReporter {
  /** @param {import('vitest/node').TestCase} testCase */
  onTestCaseResult(testCase) {
    const { state, note } = /** @type {{ state: string, note?: string }} */ (testCase.result());
    if (state === 'skipped' && note !== undefined)
      Object.assign(testCase.meta(), { skipReason: note });
  }
}
