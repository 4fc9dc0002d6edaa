/** Numbers of a chart, without a document. */

/**
 * @param {number} low
 * @param {number} high
 * @param {number} count of steps, about
 * @returns {number[]} round numbers, evenly apart, from at most `low` to at least `high`
 */
export function ticks(low, high, count) {
  const step = roundStep((high - low || Math.abs(high) || 1) / count);
  const first = Math.floor(low / step + 1e-9);
  const last = Math.max(first + 1, Math.ceil(high / step - 1e-9));
  return Array.from({ length: last - first + 1 },
    (_, index) => Number(((first + index) * step).toPrecision(12)));
}

/** @param {number} rough */
function roundStep(rough) {
  const power = 10 ** Math.floor(Math.log10(rough));
  return power * ([1, 2, 5].find((step) => rough / power <= step) ?? 10);
}

/**
 * @param {number} from first value
 * @param {number} to last value
 * @param {number} begin where the first one is drawn
 * @param {number} end where the last one is drawn
 * @returns {(value: number) => number} where a value is drawn; the middle if there is one only
 */
export function scale(from, to, begin, end) {
  return (value) => (from === to ? (begin + end) / 2
    : begin + ((value - from) / (to - from)) * (end - begin));
}
