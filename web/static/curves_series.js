/** What the curves of training show, without a document. */

/** @typedef {import('./types.js').CurvePoint} CurvePoint */
/** @typedef {'loss' | 'accuracy' | 'macro_f1'} Figure */
/** @typedef {{at: number, value: number}} Mark */

/**
 * @param {CurvePoint[]} points
 * @param {Figure} figure
 * @returns {{heads: Mark[], runs: Mark[][]}} where the figure is known: of heads, and of the
 *   epochs of each run
 */
export function series(points, figure) {
  /** @type {Mark[]} */
  const heads = [];
  /** @type {Mark[][]} */
  const runs = [];
  let epoch = Infinity;
  points.forEach((point, at) => {
    const value = point[figure];
    if (value === null) return;
    if (point.stage === 'head') {
      heads.push({ at, value });
      return;
    }
    if (point.epoch <= epoch) runs.push([]);
    epoch = point.epoch;
    runs.at(-1)?.push({ at, value });
  });
  return { heads, runs };
}

/**
 * @param {string} name
 * @param {{heads: Mark[], runs: Mark[][]}} shown
 * @param {(value: number) => string} format
 * @param {'lowest' | 'highest'} best
 * @returns {string} a sentence for who does not see the chart
 */
export function summary(name, { heads, runs }, format, best) {
  const marks = [...heads, ...runs.flat()].sort((one, other) => one.at - other.at);
  const [first, last] = [marks[0], marks.at(-1)];
  if (!first || !last) return `${name}: nothing yet.`;
  const values = marks.map(({ value }) => value);
  const top = best === 'lowest' ? Math.min(...values) : Math.max(...values);
  const of = [counted(heads.length, 'head'), counted(runs.flat().length, 'epoch')]
    .filter((part) => part !== '').join(' and ');
  if (marks.length === 1) return `${name} of ${of}: ${format(first.value)}.`;
  return `${name} of ${of}: ${format(first.value)} at first, ${format(last.value)} now, `
    + `${best} ${format(top)}.`;
}

/**
 * @param {number} count
 * @param {string} what
 */
function counted(count, what) {
  if (!count) return '';
  return count === 1 ? `1 ${what}` : `${count} ${what}s`;
}
