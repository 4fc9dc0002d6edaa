/** A field for tags that are to be given or taken away. */

import { byId, make } from './dom.js';
import { tagsIn } from './tags.js';

export class TagInput {
  #input = byId('gallery-tag', HTMLInputElement);
  #chips = byId('gallery-chips', HTMLUListElement);
  /** @type {string[]} */
  #tags = [];

  constructor() {
    this.#input.addEventListener('keydown', (event) => {
      if (event.isComposing) return;
      if (event.key === 'Enter') {
        event.preventDefault();
        this.take();
      } else if (event.key === 'Backspace' && this.#input.value === '') {
        this.#set(this.#tags.slice(0, -1));
      }
    });
    this.#input.addEventListener('input', () => {
      if (/[,;]/.test(this.#input.value)) this.take();
    });
  }

  /** @returns {string[]} all tags, also what is typed and not ended yet */
  take() {
    const tags = [...new Set([...this.#tags, ...tagsIn(this.#input.value)])];
    this.#input.value = '';
    this.#set(tags);
    return this.#tags;
  }

  clear() {
    this.#input.value = '';
    this.#set([]);
  }

  focus() {
    this.#input.focus();
  }

  /** @param {string[]} tags */
  #set(tags) {
    this.#tags = tags;
    this.#chips.replaceChildren(...tags.map((tag) => {
      const chip = make('li', 'chip', tag);
      const remove = make('button', 'cross', '×');
      remove.type = 'button';
      remove.ariaLabel = `Leave out ${tag}`;
      remove.addEventListener('click', () => {
        this.#set(this.#tags.filter((other) => other !== tag));
        this.focus();
      });
      chip.append(remove);
      return chip;
    }));
  }
}
