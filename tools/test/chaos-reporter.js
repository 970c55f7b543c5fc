/**
 * Shows a chaos scenario the moment it ends: minutes lie between two of them, and their counts are the news.
 *
 * @typedef {import('vitest/node').Reporter} Reporter
 * @implements {Reporter}
 */
export default class ChaosReporter {
  /** @param {import('vitest/node').TestCase} testCase */
  onTestCaseReady({ name, options }) {
    if (options.mode !== 'skip') console.log(`\n${name}`);
  }

  /** @param {import('vitest/node').TestCase} testCase */
  onTestCaseResult(testCase) {
    const { state, errors } = testCase.result();
    if (state === 'skipped') return;
    const [name = ''] = testCase.name.split(' ');
    const seconds = ((testCase.diagnostic()?.duration ?? 0) / 1000).toFixed(1);
    const { chaosCounts = {} } = testCase.meta();
    const counts = Object.entries(chaosCounts).map(([what, count]) => `${what} ${count}`);
    console.log(`${name} ${state} in ${seconds} s: ${counts.join(', ')}`);
    for (const error of errors ?? []) console.log(error.stack ?? error.message);
  }

  /**
   * @param {readonly import('vitest/node').TestModule[]} modules
   * @param {readonly import('vitest/node').SerializedError[]} unhandled
   */
  onTestRunEnd(modules, unhandled) {
    const errors = [...modules.flatMap((module) => module.errors()), ...unhandled];
    for (const error of errors) console.log(error.stack ?? error.message);
  }

  /** @param {import('vitest').UserConsoleLog} log */
  onUserConsoleLog({ content }) {
    process.stdout.write(content);
  }
}
