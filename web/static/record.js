/** The Record button, and the red sign that everybody sees while something records. */

import { reason } from './api.js';
import { byId, setText } from './dom.js';
import { holdable } from './hold.js';
import { Lease } from './lease.js';

/** @typedef {import('./types.js').State} State */

const HINT = window.matchMedia('(pointer: coarse)').matches
  ? 'Records for as long as you hold the button.'
  : 'Or hold the space bar. Drop image files anywhere to upload them.';

/**
 * @param {import('./tags.js').TagField} tags
 * @returns {(state: State) => void}
 */
export function recordPanel(tags) {
  const button = byId('record', HTMLButtonElement);
  const note = byId('record-note', HTMLElement);
  let held = false;
  /** @type {State | undefined} */
  let newest;

  /** @param {string} text */
  const complain = (text) => {
    setText(note, text || HINT);
    note.classList.toggle('bad', text !== '');
  };
  const paint = () => {
    if (newest) showRecording(newest, button, held);
  };
  const lease = new Lease(() => tags.settle(), (error) => {
    held = false;
    complain(reason(error));
    paint();
  });

  complain('');
  holdable(button, () => {
    if (newest && !newest.dataset.online) {
      complain('The recorder does not answer.');
      return;
    }
    if (tags.isEmpty()) {
      complain('Add a tag first: it names what is recorded.');
      window.setTimeout(() => tags.focus()); // behind the focus that the press itself gives
      return;
    }
    held = true;
    complain('');
    lease.press();
    paint();
  }, () => {
    held = false;
    lease.release();
    paint();
  });
  window.addEventListener('pagehide', () => lease.abandon());

  return (state) => {
    newest = state;
    paint();
  };
}

/**
 * @param {State} state
 * @param {HTMLButtonElement} button
 * @param {boolean} held
 */
function showRecording({ dataset }, button, held) {
  const frames = dataset.burst_samples === 1 ? '1 frame' : `${dataset.burst_samples} frames`;
  const badge = byId('badge', HTMLElement);
  document.body.classList.toggle('recording', dataset.recording);
  button.classList.toggle('held', held);
  button.classList.toggle('away', !dataset.online);
  badge.hidden = !dataset.recording;
  setText(badge, `Recording ${dataset.active_tags.join(', ')} · ${frames}`);
  let text = 'Hold to record';
  if (dataset.recording) text = held ? `Recording · ${frames}` : `Recording elsewhere · ${frames}`;
  else if (held) text = 'Starting…';
  setText(byId('record-text', HTMLElement), text);
}
