/** One image, large, and what is known of it. */

import { byId, make, setText } from './dom.js';
import { imageOf } from './gallery_api.js';
import { describe, SPLITS, tagsOf, timeOf } from './gallery_samples.js';

/** @typedef {import('./gallery_samples.js').Sample} Sample */
/**
 * @typedef {object} Around
 * @property {(index: number) => Sample | undefined} at
 * @property {() => number} total
 * @property {(id: string) => boolean} selected
 * @property {(index: number) => void} toggle
 * @property {(index: number) => void} go the list follows, and asks for what is there
 * @property {(burst: number) => void} onBurst
 */

export class LargeView {
  #dialog = byId('gallery-view', HTMLDialogElement);
  #image = byId('gallery-full', HTMLImageElement);
  #select = byId('gallery-view-select', HTMLButtonElement);
  #before = byId('gallery-before', HTMLButtonElement);
  #after = byId('gallery-after', HTMLButtonElement);
  #index = 0;

  /** @param {Around} around */
  constructor(around) {
    this.around = around;
    this.#before.addEventListener('click', () => this.#step(-1));
    this.#after.addEventListener('click', () => this.#step(1));
    this.#select.addEventListener('click', () => this.around.toggle(this.#index));
    byId('gallery-close', HTMLButtonElement).addEventListener('click', () => this.#dialog.close());
    byId('gallery-burst-of', HTMLButtonElement).addEventListener('click', () => {
      const sample = this.around.at(this.#index);
      this.#dialog.close();
      if (sample) this.around.onBurst(sample.burst);
    });
    this.#dialog.addEventListener('keydown', (event) => {
      if (event.key === 'ArrowLeft') this.#step(-1);
      else if (event.key === 'ArrowRight') this.#step(1);
      event.stopPropagation(); // nothing behind it is meant, such as Record
    });
    this.#dialog.addEventListener('close', () => {
      this.#image.removeAttribute('src');
      this.around.go(this.#index);
    });
  }

  /** @param {number} index */
  open(index) {
    this.#index = index;
    this.#dialog.showModal();
    this.show();
  }

  /** @param {number} by */
  shift(by) {
    this.#index = Math.max(0, this.#index + by);
  }

  /** Anything may have changed. */
  show() {
    if (!this.#dialog.open) return;
    this.#index = Math.min(this.#index, Math.max(0, this.around.total() - 1));
    const sample = this.around.at(this.#index);
    // Not disabled: that would take the focus away.
    this.#before.ariaDisabled = String(this.#index === 0);
    this.#after.ariaDisabled = String(this.#index >= this.around.total() - 1);
    setText(byId('gallery-view-title', HTMLElement),
      `Image ${(this.#index + 1).toLocaleString()} of ${this.around.total().toLocaleString()}`);
    this.#select.ariaPressed = String(sample !== undefined && this.around.selected(sample.id));
    const source = sample ? imageOf(sample.id) : '';
    if (!source) this.#image.removeAttribute('src');
    else if (this.#image.getAttribute('src') !== source) this.#image.src = source;
    this.#image.alt = sample ? describe(sample) : 'loading';
    byId('gallery-facts', HTMLElement).replaceChildren(...(sample ? factsOf(sample) : []));
  }

  /** @param {number} by */
  #step(by) {
    const index = this.#index + by;
    if (index < 0 || index >= this.around.total()) return;
    this.#index = index;
    this.around.go(index);
    this.show();
  }
}

/** @param {Sample} sample */
function factsOf(sample) {
  /** @type {[string, string][]} */
  const facts = [
    ['Tags', tagsOf(sample)],
    ['Split', SPLITS[sample.split] + (sample.split_pinned ? ', for good' : '')],
    ['Burst', String(sample.burst)], ['Time', timeOf(sample)], ['Source', sample.source],
    ['Size', `${sample.width} × ${sample.height}`], ['Id', sample.id],
  ];
  if (sample.quarantined) facts.push(['Set aside', sample.quarantined]);
  if (sample.deleted) facts.push(['State', 'deleted']);
  return facts.map(([name, value]) => {
    const row = make('div');
    row.append(make('dt', '', name), make('dd', '', value));
    return row;
  });
}
