/** What a confusion matrix says, without a document. Rows are true, columns answered. */

/**
 * @typedef {{truth: string, answer: string, count: number, of: number}} Pair `of`: all images of
 *   the true class
 * @typedef {{label: string, recall: number | null, precision: number | null, support: number}}
 *   ClassScore
 */

/**
 * @param {string[]} labels
 * @param {number[][]} confusion
 * @param {number} most
 * @returns {Pair[]} what is taken for what, most often first
 */
export function confusedPairs(labels, confusion, most) {
  return labels.flatMap((truth, row) => labels.flatMap((answer, column) => {
    const count = at(confusion, row, column);
    return row !== column && count
      ? [{ truth, answer, count, of: sum(confusion[row] ?? []) }] : [];
  })).sort((one, other) => other.count - one.count || one.of - other.of).slice(0, most);
}

/** @param {Pair} pair */
export function pairText({ truth, answer, count, of }) {
  return `“${truth}” is taken for “${answer}”: ${count} of ${of} images`;
}

/**
 * @param {string[]} labels
 * @param {number[][]} confusion
 * @returns {ClassScore[]} null: there is nothing to divide by
 */
export function classScores(labels, confusion) {
  return labels.map((label, index) => {
    const right = at(confusion, index, index);
    const support = sum(confusion[index] ?? []);
    const answered = sum(labels.map((_, row) => at(confusion, row, index)));
    return { label, support, recall: share(right, support), precision: share(right, answered) };
  });
}

/**
 * @param {number[][]} confusion
 * @returns {{right: number, all: number}} images
 */
export function rightOf(confusion) {
  return { right: sum(confusion.map((row, index) => row[index] ?? 0)), all: sum(confusion.flat()) };
}

/**
 * @param {number[][]} confusion
 * @param {number} row
 * @param {number} column
 */
function at(confusion, row, column) {
  return confusion[row]?.[column] ?? 0;
}

/**
 * @param {number} part
 * @param {number} all
 */
function share(part, all) {
  return all ? part / all : null;
}

/** @param {number[]} values */
function sum(values) {
  return values.reduce((total, value) => total + value, 0);
}
