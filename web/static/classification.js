/** Live results, as bars and over the video, and the classifier's settings. */

import { reason } from './api.js';
import { bindSlider, bindSwitch } from './controls.js';
import { byId, make, rows, setText } from './dom.js';

/** @typedef {import('./types.js').Classification} Classification */

const SHOWN = 5;

/**
 * @param {import('./alerts.js').Alerts} alerts
 * @returns {(classification: Classification) => void}
 */
export function classificationPanel(alerts) {
  /** @param {unknown} error */
  const complain = (error) => alerts.complain('classifier', reason(error));
  const threshold = byId('threshold-value', HTMLOutputElement);
  const smoothing = byId('smoothing-value', HTMLOutputElement);
  /** @param {number} value */
  const sayThreshold = (value) => setText(threshold, `${(100 * value).toFixed(1)} %`);
  /** @param {number} value */
  const saySmoothing = (value) => setText(smoothing, smoothingText(value));
  const showEnabled = bindSwitch(byId('classify', HTMLInputElement), '/classification/enabled',
    complain);
  const moveThreshold = bindSlider(byId('threshold', HTMLInputElement),
    '/classification/confidence_threshold', sayThreshold, complain);
  const moveSmoothing = bindSlider(byId('smoothing', HTMLInputElement),
    '/classification/output_smoothing', saySmoothing, complain);

  return (now) => {
    showEnabled(now.enabled, now.online);
    if (moveThreshold(now.threshold, now.online)) sayThreshold(now.threshold);
    if (moveSmoothing(frames(now.smoothing), now.online)) saySmoothing(now.smoothing);
    byId('recognition', HTMLElement).classList.toggle('offline', !now.online);
    setText(byId('recognition-meta', HTMLElement), summary(now));
    showResults(now);
  };
}

/** @param {Classification} now */
function summary(now) {
  if (!now.online) return 'offline';
  if (!now.enabled) return 'off';
  if (!now.version) return 'no model yet';
  return `version ${now.version} · ${now.rate_hz.toFixed(1)} Hz`;
}

/** @param {Classification} now */
function showResults(now) {
  const results = now.online && now.enabled ? now.results.slice(0, SHOWN) : [];
  const list = byId('results', HTMLOListElement);
  rows(list, results.length, makeRow).forEach((row, index) => {
    const result = results[index];
    const [name, score, bar] = /** @type {[HTMLElement, HTMLElement, HTMLElement]} */ (
      /** @type {unknown} */ ([...row.children]));
    if (!result) return;
    setText(name, result.label);
    setText(score, `${(100 * result.score).toFixed(1)} %`);
    bar.style.setProperty('--share', String(result.score));
  });
  list.dataset.empty = nothing(now);
  const overlay = byId('overlay', HTMLUListElement);
  rows(overlay, results.length, () => make('li')).forEach((line, index) => {
    const result = results[index];
    if (result) setText(line, overVideo(result));
  });
}

/** @param {Classification} now why there are no results */
function nothing(now) {
  if (!now.online || !now.enabled) return '';
  return now.version ? 'Nothing above the threshold.' : 'A first model follows two recorded classes.';
}

function makeRow() {
  const row = make('li', 'result');
  row.append(make('span', 'name'), make('span', 'number'), make('span', 'track'));
  return row;
}

/**
 * As the original wrote it: two decimals, five wide.
 *
 * @param {import('./types.js').Result} result
 */
function overVideo({ score, label }) {
  return `${(100 * score).toFixed(2).padStart(5, '0')}% ${label}`;
}

/**
 * @param {number} smoothing
 * @returns {number} frames; of a weight below 1, those of the mean that reacts as fast
 */
function frames(smoothing) {
  return smoothing > 0 && smoothing < 1 ? Math.round(2 / smoothing - 1) : smoothing;
}

/** @param {number} smoothing */
function smoothingText(smoothing) {
  if (smoothing === 0 || smoothing === 1) return 'off';
  return smoothing < 1 ? `weight ${smoothing.toFixed(2)}` : `${Math.round(smoothing)} frames`;
}
