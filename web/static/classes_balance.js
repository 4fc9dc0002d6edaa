/** Whether the classes have alike many images, in words, without a document. */

/** So many times the images of another class is worth a word; fewer is made up for by weights. */
const RATIO = 4;

/**
 * @param {string[]} classes
 * @param {number[]} samples images of each
 * @returns {string} what is uneven and what helps; empty: nothing is
 */
export function imbalance(classes, samples) {
  const counts = classes.map((name, index) => ({ name, count: samples[index] ?? 0 }));
  const [least, ...others] = counts.sort((one, other) => one.count - other.count);
  const most = others.at(-1);
  if (!least || !most || !most.count || most.count < RATIO * least.count) return '';
  const few = counts.filter(({ count }) => count * RATIO <= most.count)
    .map(({ name }) => `“${name}”`);
  const times = Math.floor(most.count / least.count);
  const how = least.count ? `“${most.name}” has ${times} times the images of “${least.name}”`
    : `“${most.name}” has ${most.count} images, “${least.name}” has none`;
  return `${how}: record more of ${joined(few)}.`;
}

/** @param {string[]} names the fewest images first */
function joined(names) {
  const shown = names.length > 4 ? [...names.slice(0, 3), `${names.length - 3} more`] : names;
  return shown.length > 1 ? `${shown.slice(0, -1).join(', ')} and ${shown.at(-1)}` : shown.join();
}
