/** Which images are selected: by id, so that it outlives every change of their order. */

/** As many as one edit takes. */
export const MOST = 100_000;

export class Selection {
  /** @type {Set<string>} */
  #ids = new Set();
  /** @type {Set<string>} what was selected before the range that is being drawn */
  #before = new Set();
  /** Index where a range starts. */
  anchor = 0;

  get size() {
    return this.#ids.size;
  }

  get ids() {
    return [...this.#ids];
  }

  /** @param {string} id */
  has(id) {
    return this.#ids.has(id);
  }

  /**
   * @param {string} id
   * @param {number} index
   */
  only(id, index) {
    this.clear();
    this.toggle(id, index);
  }

  /**
   * @param {string} id
   * @param {number} index
   */
  toggle(id, index) {
    if (!this.#ids.delete(id) && this.size < MOST) this.#ids.add(id);
    this.#settle(index);
  }

  /**
   * Select the range from the anchor instead of the one before it.
   *
   * @param {string[]} ids
   * @param {boolean} [more] keep what was selected before
   */
  range(ids, more = false) {
    this.#ids = new Set([...(more ? this.#before : []), ...ids].slice(0, MOST));
  }

  /** @param {string[]} ids */
  remove(ids) {
    for (const id of ids) this.#ids.delete(id);
    this.#settle(this.anchor);
  }

  clear() {
    this.#ids.clear();
    this.#settle(this.anchor);
  }

  /** @param {number} index */
  #settle(index) {
    this.anchor = index;
    this.#before = new Set(this.#ids);
  }
}

/**
 * @param {number} one
 * @param {number} other
 * @returns {import('./gallery_window.js').Span} both ends are in it
 */
export function between(one, other) {
  return { first: Math.min(one, other), end: Math.max(one, other) + 1 };
}
