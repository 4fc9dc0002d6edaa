/** Results and settings of the classifier in words, without a document. */

/** @typedef {import('./types.js').Classification} Classification */

/** @param {Classification} now */
export function summary(now) {
  if (!now.online) return 'offline';
  if (!now.enabled) return 'off';
  if (!now.version) return 'no model yet';
  return `version ${now.version} · ${now.rate_hz.toFixed(1)} Hz`;
}

/** @param {Classification} now why there are no results */
export function nothing(now) {
  if (!now.online || !now.enabled) return '';
  return now.version ? 'Nothing above the threshold.' : 'A first model follows two recorded classes.';
}

/**
 * As the original wrote it: two decimals, five wide.
 *
 * @param {import('./types.js').Result} result
 */
export function overVideo({ score, label }) {
  return `${(100 * score).toFixed(2).padStart(5, '0')}% ${label}`;
}

/**
 * @param {number} smoothing
 * @returns {number} frames; of a weight below 1, those of the mean that reacts as fast
 */
export function frames(smoothing) {
  return smoothing > 0 && smoothing < 1 ? Math.round(2 / smoothing - 1) : smoothing;
}

/** @param {number} smoothing */
export function smoothingText(smoothing) {
  if (smoothing === 0 || smoothing === 1) return 'off';
  return smoothing < 1 ? `weight ${smoothing.toFixed(2)}` : `${Math.round(smoothing)} frames`;
}
