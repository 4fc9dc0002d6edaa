/** Training in words, without a document. */

/** @typedef {import('./types.js').Training} Training */

/** States in which something is computed. */
const BUSY = ['head', 'finetune', 'export'];

/** @param {Training} now */
export function isBusy(now) {
  return now.online && BUSY.includes(now.state);
}

/**
 * @param {Training} now
 * @returns {string} which epoch, and the time that is left
 */
export function progressText(now) {
  if (!isBusy(now) || !now.epoch) return '';
  const parts = [now.epochs ? `epoch ${now.epoch} of ${now.epochs}` : `epoch ${now.epoch}`];
  if (now.state === 'finetune' && now.images && now.epoch_images >= now.images) {
    parts.push('being scored');
  } else if (now.state === 'finetune' && now.eta_s !== null) {
    parts.push(`${time(now.eta_s)} left`);
    const all = now.eta_s + wholeEpochs(now);
    if (all > now.eta_s) parts.push(`${time(all)} at most for all`); // it may stop early
  }
  return parts.join(' · ');
}

/**
 * @param {Training} now
 * @returns {number} seconds that the epochs after this one take, as far as is known
 */
function wholeEpochs({ epoch, epochs, images, images_per_s: speed }) {
  return speed > 0 ? Math.max(0, epochs - epoch) * (images / speed) : 0;
}

/** @param {number} seconds */
function time(seconds) {
  const whole = Math.ceil(seconds);
  if (whole < 100) return `${whole} s`;
  const minutes = Math.ceil(seconds / 60);
  return minutes < 100 ? `${minutes} min` : `${(minutes / 60).toFixed(1)} h`;
}
