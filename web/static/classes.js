/** Classes, their images and bursts. A click makes one an active tag, or takes it away. */

import { imbalance } from './classes_balance.js';
import { byId, make, rows, setText } from './dom.js';

/** @typedef {import('./types.js').State} State */

/**
 * @param {import('./tags.js').TagField} tags
 * @returns {(state: State) => void}
 */
export function classesPanel(tags) {
  const list = byId('classes', HTMLUListElement);
  const makeRow = () => {
    const row = make('li');
    const button = make('button', 'class');
    button.type = 'button';
    button.append(make('span', 'name'), make('span', 'number'), make('span', 'bursts'),
      make('span', 'track'));
    button.addEventListener('click', () => tags.toggle(button.value));
    row.append(button);
    return row;
  };
  return ({ dataset, tags: { active } }) => {
    const most = Math.max(1, ...dataset.class_samples);
    rows(list, dataset.classes.length, makeRow).forEach((row, index) => {
      const name = dataset.classes[index] ?? '';
      showClass(/** @type {HTMLButtonElement} */ (row.firstElementChild), name,
        dataset.class_samples[index] ?? 0, dataset.class_bursts[index] ?? 0, most,
        active.includes(name));
    });
    setText(byId('balance', HTMLElement), imbalance(dataset.classes, dataset.class_samples));
    byId('dataset', HTMLElement).classList.toggle('offline', !dataset.online);
    showSummary(dataset);
  };
}

/**
 * @param {HTMLButtonElement} button
 * @param {string} name
 * @param {number} count
 * @param {number} bursts
 * @param {number} most
 * @param {boolean} active
 */
function showClass(button, name, count, bursts, most, active) {
  const [label, number, burst, bar] = /** @type {[HTMLElement, HTMLElement, HTMLElement,
    HTMLElement]} */ (/** @type {unknown} */ ([...button.children]));
  button.value = name;
  button.ariaPressed = String(active);
  setText(label, name);
  setText(number, String(count));
  setText(burst, `${count === 1 ? 'image' : 'images'} · ${bursts} ${
    bursts === 1 ? 'burst' : 'bursts'}`);
  bar.style.setProperty('--share', String(count / most));
}

/** @param {State['dataset']} dataset */
function showSummary(dataset) {
  const meta = dataset.online
    ? `${dataset.samples} samples · ${dataset.validation_samples} held out` : 'offline';
  setText(byId('dataset-meta', HTMLElement), meta);
  const note = byId('dataset-note', HTMLElement);
  let text = dataset.classes.length ? '' : 'No classes yet: set a tag and hold Record.';
  if (dataset.pending) text = `${dataset.pending} frames are still being written.`;
  if (dataset.dropped) text = `${dataset.dropped} frames were dropped: the disk is too slow.`;
  setText(note, dataset.error || text);
  note.classList.toggle('bad', dataset.error !== '');
}
