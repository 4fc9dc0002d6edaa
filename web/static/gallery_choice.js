/** Selecting images, also such that must be asked for first. */

import { between, MOST, Selection } from './gallery_selection.js';

export class Choice {
  #selection = new Selection();
  /** @type {AbortController | undefined} of a question for many ids */
  #gathering;
  /** Revision of the data set when it was made: an edit is refused if one was changed since. */
  basis = 0;

  /**
   * @param {import('./gallery_pages.js').Pages} pages
   * @param {() => void} onChange
   * @param {(text: string) => void} onText
   * @param {(error: unknown) => void} onError
   */
  constructor(pages, onChange, onText, onError) {
    this.pages = pages;
    this.onChange = onChange;
    this.onText = onText;
    this.onError = onError;
  }

  get size() {
    return this.#selection.size;
  }

  get ids() {
    return this.#selection.ids;
  }

  /** @param {string} id */
  has(id) {
    return this.#selection.has(id);
  }

  /**
   * @param {number} index
   * @param {import('./gallery_input.js').How} how
   */
  pick(index, how) {
    const sample = this.pages.at(index);
    if (how === 'range' || how === 'more') {
      void this.#range(between(this.#selection.anchor, index), how === 'more');
    } else if (sample) this.#choose(() => this.#selection[how](sample.id, index));
  }

  async all() {
    const { total } = this.pages;
    if (total < 1) return;
    this.onText('Selecting…');
    this.#selection.anchor = 0;
    const done = await this.#range({ first: 0, end: Math.min(total, MOST) }, false);
    if (!done) return;
    this.onText(total > MOST ? `Only the newest ${MOST.toLocaleString()} are selected: an edit `
      + 'takes no more.' : '');
  }

  clear() {
    this.#choose(() => this.#selection.clear());
  }

  /** @param {string[]} ids that are not shown any more */
  remove(ids) {
    this.#selection.remove(ids);
  }

  /** @param {number} by all indices are so much larger from now on */
  shift(by) {
    this.#selection.anchor = Math.max(0, this.#selection.anchor + by);
  }

  /**
   * @param {import('./gallery_window.js').Span} span
   * @param {boolean} more
   * @returns {Promise<boolean>} whether they are selected; or it failed, or something else was
   *   chosen meanwhile
   */
  async #range(span, more) {
    this.#gathering?.abort();
    const control = new AbortController();
    this.#gathering = control;
    try {
      const ids = await this.pages.ids(span, control.signal);
      if (control.signal.aborted) return false;
      this.#choose(() => this.#selection.range(ids, more));
      return true;
    } catch (error) {
      if (!control.signal.aborted) this.onError(error);
      return false;
    }
  }

  /** @param {() => void} how */
  #choose(how) {
    this.#gathering?.abort();
    how();
    this.basis = this.pages.revision;
    this.onChange();
  }
}
