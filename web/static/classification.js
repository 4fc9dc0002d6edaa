/** Live results, as bars and over the video, and the classifier's settings. */

import { reason } from './api.js';
import { frames, nothing, overVideo, smoothingText, summary } from './classification_text.js';
import { bindSlider, bindSwitch } from './controls.js';
import { byId, make, rows, setText } from './dom.js';

/** @typedef {import('./types.js').Classification} Classification */

const SHOWN = 5;
/** The answer to an image of something that was not learned. */
const UNKNOWN = 'unknown';

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
function showResults(now) {
  const results = now.online && now.enabled ? now.results.slice(0, SHOWN) : [];
  const list = byId('results', HTMLOListElement);
  rows(list, results.length, makeRow).forEach((row, index) => {
    const result = results[index];
    const [name, score, bar] = /** @type {[HTMLElement, HTMLElement, HTMLElement]} */ (
      /** @type {unknown} */ ([...row.children]));
    if (!result) return;
    row.classList.toggle('unknown', result.label === UNKNOWN);
    setText(name, result.label);
    setText(score, `${(100 * result.score).toFixed(1)} %`);
    bar.style.setProperty('--share', String(result.score));
  });
  list.dataset.empty = nothing(now);
  const overlay = byId('overlay', HTMLUListElement);
  rows(overlay, results.length, () => make('li')).forEach((line, index) => {
    const result = results[index];
    if (!result) return;
    line.classList.toggle('unknown', result.label === UNKNOWN);
    setText(line, overVideo(result));
  });
}

function makeRow() {
  const row = make('li', 'result');
  row.append(make('span', 'name'), make('span', 'number'), make('span', 'track'));
  return row;
}
