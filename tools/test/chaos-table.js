/**
 * What we read of Vitest's JSON report.
 *
 * @typedef {object} Report
 * @property {{ assertionResults: Result[] }[]} testResults
 *
 * @typedef {object} Result
 * @property {string} title
 * @property {string} status
 * @property {number | null} [duration] In ms.
 * @property {{ chaosCounts?: Readonly<Record<string, number>> }} meta
 */

/**
 * One row for each scenario that ran, one line for each of its counts.
 *
 * @param {string} json Vitest's report.
 * @returns {string}
 */
export function tableOf(json) {
  const { testResults } = /** @type {Report} */ (JSON.parse(json));
  const ran = testResults
    .flatMap(({ assertionResults }) => assertionResults)
    .filter(({ status }) => status === 'passed' || status === 'failed');
  const rows = ran.flatMap(rowsOf);
  const widths = [0, 1, 2].map((column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  return rows
    .map(([name = '', what = '', value = '']) =>
      [name.padEnd(widths[0] ?? 0), what.padEnd(widths[1] ?? 0), value.padStart(widths[2] ?? 0)]
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/**
 * @param {Result} result
 * @returns {string[][]}
 */
function rowsOf({ title, status, duration, meta }) {
  const [name = title] = title.split(' ');
  const seconds = ((duration ?? 0) / 1000).toFixed(1);
  const counts = Object.entries(meta.chaosCounts ?? {});
  return [
    [name, status, `${seconds} s`],
    ...counts.map(([what, count]) => ['', what, String(count)]),
  ];
}
