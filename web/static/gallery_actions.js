/** The bar of what can be done with the selected images. */

import { byId, setText } from './dom.js';
import { TagInput } from './gallery_tags.js';

/** @typedef {import('./gallery_samples.js').Edit} Edit */

/** @type {Record<string, Edit>} of each button that needs no tags */
const PLAIN = {
  'gallery-delete': { operation: 'delete' },
  'gallery-restore': { operation: 'restore' },
  'gallery-train': { operation: 'set_split', split: 'train' },
  'gallery-hold-out': { operation: 'set_split', split: 'validation' },
};
/** @type {Record<string, string>} operation of each button that needs some */
const TAGGING = {
  'gallery-set': 'set_tags', 'gallery-add': 'add_tags', 'gallery-remove': 'remove_tags',
};

export class ActionBar {
  #bar = byId('gallery-actions', HTMLElement);
  #tags = new TagInput();

  /**
   * @param {(edit: Edit) => void} onEdit
   * @param {(problem: string) => void} onProblem
   * @param {() => void} onNone
   */
  constructor(onEdit, onProblem, onNone) {
    for (const [id, edit] of Object.entries(PLAIN)) {
      byId(id, HTMLButtonElement).addEventListener('click', () => onEdit(edit));
    }
    for (const [id, operation] of Object.entries(TAGGING)) {
      byId(id, HTMLButtonElement).addEventListener('click', () => {
        const tags = this.#tags.take();
        if (tags.length) {
          onEdit({ operation, tags });
          return;
        }
        onProblem('Type a tag first.');
        this.#tags.focus();
      });
    }
    byId('gallery-none', HTMLButtonElement).addEventListener('click', onNone);
  }

  /**
   * @param {number} selected
   * @param {string} state of what is shown; empty: all kinds
   * @returns {boolean} whether the bar went away with the focus in it
   */
  show(selected, state) {
    const lost = selected === 0 && this.#bar.contains(document.activeElement);
    if (selected === 0) this.#tags.clear();
    this.#bar.hidden = selected === 0;
    byId('gallery-delete', HTMLElement).hidden = state === 'deleted';
    byId('gallery-restore', HTMLElement).hidden = state === 'normal';
    const text = selected ? `${selected.toLocaleString()} selected` : '';
    setText(byId('gallery-selected', HTMLElement), text);
    return lost;
  }
}
