/** What the trainer does. */

import { reason } from './api.js';
import { bindSwitch } from './controls.js';
import { curvesPanel } from './curves.js';
import { byId, setText } from './dom.js';
import { isBusy, progressText } from './training_text.js';

/** @typedef {import('./types.js').Training} Training */

/** @type {Record<string, string>} */
const PHASES = {
  off: 'Off',
  waiting: 'Waiting for data',
  head: 'Learning classes',
  finetune: 'Fine-tuning',
  export: 'Saving a version',
  failed: 'Failed',
  done: 'Up to date',
};

/**
 * @param {import('./alerts.js').Alerts} alerts
 * @returns {(training: Training) => void}
 */
export function trainingPanel(alerts) {
  const showEnabled = bindSwitch(byId('train', HTMLInputElement), '/training/enabled',
    (error) => alerts.complain('trainer', reason(error)));
  const phase = byId('phase', HTMLElement);
  const showCurves = curvesPanel();
  return (now) => {
    showEnabled(now.enabled, now.online);
    byId('training', HTMLElement).classList.toggle('offline', !now.online);
    setText(byId('training-meta', HTMLElement), summary(now));
    phase.dataset.phase = now.state;
    setText(phase, PHASES[now.state] ?? now.state);
    showProgress(now);
    setText(byId('accuracy', HTMLElement), now.best_accuracy === null ? '–'
      : `${(100 * now.best_accuracy).toFixed(1)} %`);
    setText(byId('loss', HTMLElement), now.loss === null ? '–' : now.loss.toFixed(3));
    setText(byId('version', HTMLElement), now.live_version ? String(now.live_version) : '–');
    setText(byId('training-message', HTMLElement), now.message);
    showCurves(now);
  };
}

/** @param {Training} now */
function summary(now) {
  if (!now.online) return 'offline';
  const speed = now.images_per_s > 0 ? `${Math.round(now.images_per_s)} images/s` : '';
  return [now.net, speed].filter((part) => part).join(' · ');
}

/** @param {Training} now */
function showProgress(now) {
  const progress = byId('progress', HTMLProgressElement);
  progress.max = Math.max(1, now.images);
  progress.value = now.epoch_images;
  progress.classList.toggle('idle', !isBusy(now));
  setText(byId('epoch', HTMLElement), progressText(now));
}
