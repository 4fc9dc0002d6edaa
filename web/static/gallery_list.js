/** The images as a list of which only those in sight have elements. */

import { make, setText } from './dom.js';
import { imageOf } from './gallery_api.js';
import { describe, tagsOf } from './gallery_samples.js';
import { gridOf, heightOf, inSight, placeOf, scrolledTo } from './gallery_window.js';

/** @typedef {import('./gallery_samples.js').Sample} Sample */
/**
 * @typedef {object} Shown what the list shows
 * @property {(index: number) => Sample | undefined} at
 * @property {(id: string) => boolean} selected
 * @property {(span: import('./gallery_window.js').Span) => void} want
 *
 * @typedef {object} Cell
 * @property {HTMLElement} element
 * @property {HTMLImageElement} image
 * @property {HTMLElement} caption
 * @property {string} source of the image; empty: none yet
 * @property {number} timer
 */

const SPARE_ROWS = 2;
/** An image that is scrolled past within this time is not asked for. */
const REST_MS = 100;
const SIZES = [128, 192, 256, 384, 512];

export class ImageList {
  /** @type {Map<number, Cell>} in the order of their indices */
  #cells = new Map();
  #spacer = make('div', 'gallery-spacer');
  #frame = 0;
  #total = 0;
  #grid = gridOf(1, 0);
  /** The image that has the list's place in the order of Tab. */
  active = 0;

  /**
   * @param {HTMLElement} box that scrolls
   * @param {Shown} shown
   */
  constructor(box, shown) {
    this.box = box;
    this.shown = shown;
    this.#spacer.role = 'presentation';
    box.append(this.#spacer);
    box.addEventListener('scroll', () => this.#later(), { passive: true });
    new ResizeObserver(() => this.#resize()).observe(box);
  }

  get grid() {
    return this.#grid;
  }

  get hasFocus() {
    return this.box.contains(document.activeElement);
  }

  /** @param {number} total everything may have changed */
  show(total) {
    this.#total = Math.max(0, total);
    this.#lay();
    this.active = Math.min(this.active, Math.max(0, this.#total - 1));
    this.#render(true);
  }

  /** Start at the top of other images. */
  reset() {
    this.active = 0;
    this.box.scrollTop = 0;
  }

  /**
   * Images came or went before those in sight: the elements, and with them the focus, stay with
   * their images.
   *
   * @param {number} by
   */
  shift(by) {
    const { scrollTop } = this.box;
    const first = this.#firstSeen();
    this.#cells = new Map([...this.#cells].flatMap(([index, cell]) => {
      if (index + by >= 0) return [[index + by, cell]];
      drop(cell);
      return [];
    }));
    this.active = Math.max(0, this.active + by);
    if (scrollTop === 0) return; // at the top the newest are to be seen
    const rest = scrollTop - placeOf(this.#grid, first).y;
    this.#total = Math.max(this.#total, this.#total + by); // or there is no room to scroll to
    this.#lay();
    this.box.scrollTop = placeOf(this.#grid, Math.max(0, first + by)).y + rest;
  }

  /** @returns {import('./gallery_pages.js').Seen | undefined} what must not move */
  seen() {
    const { first, end } = this.#span(0);
    const kept = this.hasFocus && this.active >= first && this.active < end;
    const index = kept ? this.active : this.#firstSeen();
    const sample = this.shown.at(index);
    return sample && { index, sample };
  }

  /** @param {number} index */
  go(index) {
    this.active = index;
    const { box } = this;
    const top = scrolledTo(this.#grid, index, box.scrollTop, box.clientHeight);
    if (top !== box.scrollTop) box.scrollTop = top;
    this.#render(true);
    this.focus();
  }

  focus() {
    const cell = this.#cells.get(this.active);
    (cell?.element ?? this.box).focus({ preventScroll: true });
  }

  /**
   * @param {Event} event
   * @returns {number} index of the image it is about; -1: none
   */
  indexOf({ target }) {
    const element = target instanceof Element ? target.closest('[role=option]') : null;
    return element instanceof HTMLElement ? Number(element.ariaPosInSet) - 1 : -1;
  }

  #later() {
    this.#frame ||= requestAnimationFrame(() => this.#render(false));
  }

  #resize() {
    if (!this.box.clientWidth) return;
    const first = this.#firstSeen();
    const before = this.#grid;
    this.#lay();
    if (before.columns === this.#grid.columns && before.cell === this.#grid.cell) {
      this.#later(); // only higher or lower
      return;
    }
    this.box.scrollTop = placeOf(this.#grid, first).y;
    this.#render(true);
  }

  #lay() {
    this.#grid = gridOf(this.box.clientWidth, this.#total);
    this.#spacer.style.height = `${heightOf(this.#grid)}px`;
    this.box.style.setProperty('--cell', `${this.#grid.cell}px`);
  }

  /** @param {number} spare */
  #span(spare) {
    return inSight(this.#grid, this.box.scrollTop, this.box.clientHeight, spare);
  }

  #firstSeen() {
    return this.#span(0).first;
  }

  /** @param {boolean} all also what is there already */
  #render(all) {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    const span = this.#span(SPARE_ROWS);
    // Nobody is there: whoever comes by Tab comes to what is in sight.
    if (!this.hasFocus && (this.active < span.first || this.active >= span.end)) {
      this.#point(Math.min(this.#firstSeen(), Math.max(0, this.#total - 1)));
    }
    const wanted = Array.from({ length: span.end - span.first }, (_, step) => span.first + step);
    if (this.active < span.first) wanted.unshift(this.active);
    else if (this.active >= span.end && this.active < this.#total) wanted.push(this.active);
    this.#keep(wanted, all);
    this.box.tabIndex = this.#total ? -1 : 0;
    this.shown.want(span);
  }

  /** @param {number} index */
  #point(index) {
    const before = this.#cells.get(this.active);
    if (before) before.element.tabIndex = -1;
    this.active = index;
    const now = this.#cells.get(index);
    if (now) now.element.tabIndex = 0;
  }

  /**
   * Elements in the order of their images, for those who hear the page. None that stays is moved:
   * it would lose the focus.
   *
   * @param {number[]} wanted
   * @param {boolean} all
   */
  #keep(wanted, all) {
    const wants = new Set(wanted);
    /** @type {Cell[]} */
    const free = [];
    for (const [index, cell] of this.#cells) {
      if (!wants.has(index)) {
        drop(cell);
        free.push(cell);
      }
    }
    /** @type {Map<number, Cell>} */
    const cells = new Map();
    let before = /** @type {Element} */ (this.#spacer);
    for (const index of wanted) {
      const known = this.#cells.get(index);
      const cell = known ?? free.pop() ?? makeCell();
      if (!known) before.after(cell.element);
      if (!known || all) this.#fill(cell, index);
      cells.set(index, cell);
      before = cell.element;
    }
    this.#cells = cells;
  }

  /**
   * @param {Cell} cell
   * @param {number} index
   */
  #fill(cell, index) {
    const { element, caption } = cell;
    const { x, y } = placeOf(this.#grid, index);
    const sample = this.shown.at(index);
    element.style.transform = `translate(${x}px, ${y}px)`;
    element.tabIndex = index === this.active ? 0 : -1;
    element.ariaPosInSet = String(index + 1);
    element.ariaSetSize = String(this.#total);
    element.ariaSelected = String(sample !== undefined && this.shown.selected(sample.id));
    element.ariaLabel = sample ? describe(sample) : 'loading';
    element.title = sample ? describe(sample) : '';
    element.classList.toggle('gone', sample?.deleted ?? false);
    setText(caption, sample ? tagsOf(sample) : '');
    const pixels = this.#grid.cell * window.devicePixelRatio;
    draw(cell, sample ? imageOf(sample.id, SIZES.find((size) => size >= pixels) ?? 512) : '');
  }
}

/** @returns {Cell} */
function makeCell() {
  const element = make('div', 'gallery-cell');
  const image = make('img');
  const caption = make('span', 'gallery-caption');
  element.role = 'option';
  image.alt = '';
  image.decoding = 'async';
  image.draggable = false;
  image.hidden = true;
  image.addEventListener('load', () => {
    image.hidden = false;
  });
  image.addEventListener('error', () => element.classList.add('broken'));
  element.append(image, caption);
  return { element, image, caption, source: '', timer: 0 };
}

/**
 * @param {Cell} cell
 * @param {string} source
 */
function draw(cell, source) {
  if (cell.source === source) return;
  window.clearTimeout(cell.timer);
  cell.source = source;
  cell.image.hidden = true;
  cell.image.removeAttribute('src'); // ends what is under way
  cell.element.classList.remove('broken');
  if (!source) return;
  cell.timer = window.setTimeout(() => {
    cell.image.src = source;
  }, REST_MS);
}

/** @param {Cell} cell that is out of sight */
function drop(cell) {
  draw(cell, '');
  cell.element.remove();
}
