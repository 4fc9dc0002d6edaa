/** Which of all images the gallery shows, and the name of the class that is chosen. */

import { byId, make } from './dom.js';
import { normalise } from './tags.js';

export class FilterBar {
  #form = byId('gallery-filters', HTMLFormElement);
  #tag = byId('gallery-class', HTMLSelectElement);
  #burst = byId('gallery-burst', HTMLInputElement);
  #split = byId('gallery-split', HTMLSelectElement);
  #state = byId('gallery-state', HTMLSelectElement);
  #rename = byId('gallery-rename', HTMLFormElement);
  #name = byId('gallery-name', HTMLInputElement);
  /** @type {string | undefined} */
  #known;

  /**
   * @param {() => void} onChange
   * @param {(from: string, to: string) => void} onRename
   */
  constructor(onChange, onRename) {
    this.onChange = onChange;
    this.#form.addEventListener('change', () => this.#apply());
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#apply();
    });
    this.#rename.addEventListener('submit', (event) => {
      event.preventDefault();
      onRename(this.#tag.value, normalise(this.#name.value));
    });
  }

  /** @returns {import('./gallery_samples.js').Filters} */
  get filters() {
    return {
      tag: this.#tag.value, burst: this.#burst.value, split: this.#split.value,
      state: this.#state.value,
    };
  }

  /** @param {boolean} on */
  set hidden(on) {
    this.#form.hidden = on;
    this.#rename.hidden = on || this.#tag.value === '';
  }

  /** @param {string[]} classes that there are */
  show(classes) {
    if (this.#known === classes.join()) return;
    this.#known = classes.join();
    const chosen = this.#tag.value;
    const names = chosen && !classes.includes(chosen) ? [...classes, chosen] : classes;
    this.#tag.replaceChildren(...['', ...names].map((name) => {
      const option = make('option', '', name || 'all');
      option.value = name;
      return option;
    }));
    this.#tag.value = chosen;
  }

  /** @param {number} burst show only this one */
  showBurst(burst) {
    this.#form.reset();
    this.#burst.value = String(burst);
    this.#apply();
  }

  /** @param {string} tag a class that may be so new that it was not told of yet */
  showClass(tag) {
    if (![...this.#tag.options].some(({ value }) => value === tag)) {
      const option = make('option', '', tag);
      option.value = tag;
      this.#tag.append(option);
    }
    this.#tag.value = tag;
    this.#apply();
  }

  #apply() {
    if (!this.#form.reportValidity()) return;
    this.#name.value = '';
    this.hidden = false;
    this.onChange();
  }
}
