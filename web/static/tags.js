/** The field of active tags. They belong to the robot, not to this page: all pages show the same. */

import { put, reason } from './api.js';
import { byId, make, setText } from './dom.js';

/** @typedef {import('./types.js').State} State */

const HINT = 'Comma or Enter ends a tag.';
/** How long an edit is shown before the server's answer must have come. */
const SETTLE_MS = 1_000;

export class TagField {
  #input = byId('tag', HTMLInputElement);
  #chips = byId('chips', HTMLUListElement);
  #known = byId('known', HTMLDataListElement);
  #note = byId('tag-note', HTMLElement);
  /** @type {string[]} */
  #server = [];
  /** @type {string[] | undefined} an edit that the server has not confirmed */
  #edit;
  /** @type {Promise<void>} edits on their way, one after the other */
  #sending = Promise.resolve();
  /** @type {string | undefined} */
  #drawn;

  constructor() {
    this.#input.addEventListener('keydown', (event) => this.#onKey(event));
    this.#input.addEventListener('input', () => {
      if (/[,;]/.test(this.#input.value)) this.#takeText();
    });
    byId('tagbox', HTMLElement).addEventListener('pointerdown', (event) => {
      if (event.target instanceof HTMLElement && event.target.closest('button, input')) return;
      event.preventDefault();
      this.focus();
    });
  }

  /** @returns {string[]} */
  get tags() {
    return this.#edit ?? this.#server;
  }

  isEmpty() {
    return this.tags.length === 0 && this.#input.value.trim() === '';
  }

  focus() {
    this.#input.focus();
  }

  /** Take what is typed as a tag too, and wait until the server has all of them. */
  async settle() {
    this.#takeText();
    await this.#sending;
  }

  /**
   * Add a tag, or take it away when it is there.
   *
   * @param {string} tag
   */
  toggle(tag) {
    const { tags } = this;
    this.#change(tags.includes(tag) ? tags.filter((other) => other !== tag) : [...tags, tag]);
  }

  /** @param {State} state */
  show(state) {
    this.#server = state.tags.active;
    if (this.#edit?.join() === this.#server.join()) this.#edit = undefined;
    this.#draw();
    const classes = state.dataset.classes;
    if (this.#known.dataset.classes === classes.join()) return;
    this.#known.dataset.classes = classes.join();
    this.#known.replaceChildren(...classes.map((name) => {
      const option = make('option');
      option.value = name;
      return option;
    }));
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    if (event.isComposing) return;
    if (event.key === 'Enter') {
      event.preventDefault();
      // A second Enter leaves the field, so that the space bar records.
      if (this.#input.value.trim()) this.#takeText();
      else this.#input.blur();
    } else if (event.key === 'Escape') {
      this.#input.value = '';
      this.#input.blur();
    } else if (event.key === 'Backspace' && this.#input.value === '' && this.tags.length) {
      this.#change(this.tags.slice(0, -1));
    }
  }

  #takeText() {
    const tags = [...new Set([...this.tags, ...tagsIn(this.#input.value)])];
    this.#input.value = '';
    if (tags.length > this.tags.length) this.#change(tags);
  }

  /** @param {string[]} tags */
  #change(tags) {
    this.#edit = tags;
    this.#draw();
    const sent = this.#sending.catch(() => {}).then(() => put('/dataset/active_tags', tags.join()));
    this.#sending = sent;
    sent.then(() => this.#say(''), (error) => this.#say(reason(error))).finally(() => {
      if (this.#sending === sent) window.setTimeout(() => this.#forget(tags), SETTLE_MS);
    });
  }

  /** @param {string[]} tags an edit that the server has changed or refused */
  #forget(tags) {
    if (this.#edit !== tags) return;
    this.#edit = undefined;
    this.#draw();
  }

  /** @param {string} problem */
  #say(problem) {
    setText(this.#note, problem || HINT);
    this.#note.classList.toggle('bad', problem !== '');
    if (problem) {
      this.#edit = undefined;
      this.#draw();
    }
  }

  #draw() {
    if (this.#drawn === this.tags.join()) return;
    this.#drawn = this.tags.join();
    this.#input.placeholder = this.tags.length ? 'Add a tag' : 'For example: red mug';
    this.#chips.replaceChildren(...this.tags.map((tag) => this.#chip(tag)));
  }

  /** @param {string} tag */
  #chip(tag) {
    const chip = make('li', 'chip', tag);
    const remove = make('button', 'cross', '×');
    remove.type = 'button';
    remove.ariaLabel = `Remove ${tag}`;
    remove.addEventListener('click', () => {
      this.#change(this.tags.filter((other) => other !== tag));
      this.focus();
    });
    chip.append(remove);
    return chip;
  }
}

/**
 * @param {string} text tags with commas or semicolons between them
 * @returns {string[]} in the form in which the server keeps them
 */
export function tagsIn(text) {
  return text.split(/[,;]/).map(normalise).filter((tag) => tag !== '');
}

/** @param {string} tag */
export function normalise(tag) {
  return tag.toLowerCase().trim().replace(/\s+/g, ' ');
}
