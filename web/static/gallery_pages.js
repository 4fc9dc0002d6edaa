/** The samples that are in sight or near: a few pages of all that there are, asked for on demand. */

/** @typedef {import('./gallery_samples.js').Sample} Sample */
/**
 * @typedef {object} Source
 * @property {(offset: number, limit: number, signal: AbortSignal) => Promise<
 *   {samples: Sample[], total: number, revision: number}>} load
 * @property {(sample: Sample, signal: AbortSignal) => Promise<number>} [notOlder] how many are
 *   not older than a sample; not there: the order never changes
 *
 * @typedef {{index: number, sample: Sample}} Seen a sample and where it was
 *
 * @typedef {object} Listener
 * @property {() => void} onChange something came
 * @property {(shift: number) => void} onMove all indices from now on are so much larger
 * @property {(error: unknown) => void} onError
 */

export const PAGE = 100;
const KEPT = 10;
const UNDER_WAY = 3;
const AROUND = PAGE / 2;
/** While somebody scrolls, ask at most so often. */
const EVERY_MS = 80;
const AGAIN_MS = 2_000;
/** As many as one question may ask for. */
const BULK = 1_000;

export class Pages {
  /** @type {Source | undefined} */
  #source;
  /** @type {Map<number, Sample[]>} */
  #pages = new Map();
  /** @type {Map<number, AbortController>} pages under way */
  #asked = new Map();
  /** @type {AbortController | undefined} */
  #refreshing;
  /** @type {import('./gallery_window.js').Span} */
  #wanted = { first: 0, end: PAGE };
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  /** How many there are; -1: not known yet. */
  total = -1;
  /** Of the newest answer. */
  revision = 0;

  /** @param {Listener} listener */
  constructor(listener) {
    this.listener = listener;
  }

  /** @returns {number} pages in memory, and under way */
  get held() {
    return this.#pages.size + this.#asked.size;
  }

  /** @param {Source} source */
  open(source) {
    this.close();
    this.#source = source;
    this.#wanted = { first: 0, end: PAGE };
    this.#ask();
  }

  close() {
    this.#refreshing?.abort();
    this.#drop();
    this.#pages.clear();
    this.#source = undefined;
    this.total = -1;
  }

  /** @param {number} index */
  at(index) {
    return this.#pages.get(Math.floor(index / PAGE))?.[index % PAGE];
  }

  /** @param {import('./gallery_window.js').Span} span what is in sight; its surroundings come too */
  want({ first, end }) {
    this.#wanted = { first: Math.max(0, first - AROUND), end: end + AROUND };
    this.#timer ??= setTimeout(() => this.#ask(), EVERY_MS);
  }

  /**
   * Ask anew for what is in sight, and show it only when all of it is there.
   *
   * @param {Seen | undefined} seen what is to stay where it is on the screen
   */
  async refresh(seen) {
    const source = this.#source;
    if (!source) return;
    this.#refreshing?.abort();
    const control = new AbortController();
    this.#refreshing = control;
    const fresh = new Fresh(source, control.signal);
    try {
      const shift = seen ? await fresh.shiftOf(seen) : 0;
      for (const page of pagesOf(this.#wanted, shift)) {
        if (page === 0 || page * PAGE < fresh.total) await fresh.page(page);
      }
      if (control.signal.aborted) return;
      this.#drop();
      this.#pages = fresh.pages;
      this.total = fresh.total;
      this.learn(fresh.revision);
      if (shift) this.listener.onMove(shift);
      this.listener.onChange();
    } catch (error) {
      if (!control.signal.aborted) this.listener.onError(error);
    }
  }

  /**
   * @param {import('./gallery_window.js').Span} span
   * @param {AbortSignal} signal
   * @returns {Promise<string[]>} ids of all in it
   */
  async ids({ first, end }, signal) {
    const near = Array.from({ length: Math.min(end - first, KEPT * PAGE) },
      (_, step) => this.at(first + step)?.id);
    if (near.length === end - first && near.every((id) => id !== undefined)) return near;
    const source = this.#source;
    /** @type {Set<string>} new ones push others into the next answer, which names them again */
    const ids = new Set();
    for (let offset = first; source && offset < end; offset += BULK) {
      const answer = await source.load(offset, Math.min(BULK, end - offset), signal);
      for (const { id } of answer.samples) ids.add(id);
    }
    return [...ids];
  }

  /**
   * @param {number} revision
   * @returns {number} the newest that is known
   */
  learn(revision) {
    this.revision = Math.max(this.revision, revision);
    return this.revision;
  }

  #ask() {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const needed = pagesOf(this.#wanted).filter((page) => (
      !this.#pages.has(page) && (this.total < 0 || page * PAGE < this.total)));
    for (const [page, control] of this.#asked) {
      if (!needed.includes(page)) this.#forget(page, control);
    }
    for (const page of needed) {
      if (this.#asked.size >= UNDER_WAY) break;
      if (!this.#asked.has(page)) void this.#load(page);
    }
  }

  /** @param {number} page */
  async #load(page) {
    const control = new AbortController();
    this.#asked.set(page, control);
    try {
      const answer = await this.#source?.load(page * PAGE, PAGE, control.signal);
      if (!answer || this.#asked.get(page) !== control) return; // of before, or not wanted now
      this.#asked.delete(page);
      this.#pages.set(page, answer.samples);
      this.#evict();
      this.total = answer.total;
      this.learn(answer.revision);
      this.listener.onChange();
      this.#ask();
    } catch (error) {
      if (this.#asked.get(page) !== control) return;
      this.#asked.delete(page);
      this.listener.onError(error);
      this.#timer ??= setTimeout(() => this.#ask(), AGAIN_MS);
    }
  }

  #evict() {
    const needed = pagesOf(this.#wanted);
    for (const page of this.#pages.keys()) {
      if (this.#pages.size <= KEPT) return;
      if (!needed.includes(page)) this.#pages.delete(page);
    }
  }

  /** Everything that is under way is of before. */
  #drop() {
    for (const [page, control] of this.#asked) this.#forget(page, control);
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /**
   * @param {number} page
   * @param {AbortController} control
   */
  #forget(page, control) {
    this.#asked.delete(page);
    control.abort();
  }
}

/** Pages that are to replace those of before. */
class Fresh {
  /** @type {Map<number, Sample[]>} */
  pages = new Map();
  total = 0;
  revision = 0;

  /**
   * @param {Source} source
   * @param {AbortSignal} signal
   */
  constructor(source, signal) {
    this.source = source;
    this.signal = signal;
  }

  /** @param {number} number */
  async page(number) {
    const known = this.pages.get(number);
    if (known) return known;
    const answer = await this.source.load(number * PAGE, PAGE, this.signal);
    this.total = answer.total;
    this.revision = Math.max(this.revision, answer.revision);
    this.pages.set(number, answer.samples);
    return answer.samples;
  }

  /**
   * @param {Seen} seen
   * @returns {Promise<number>} how far it has moved; if it is gone, the next older one
   */
  async shiftOf({ index, sample }) {
    let now = await this.#near(index, sample);
    if (now < 0 && this.source.notOlder) {
      const count = await this.source.notOlder(sample, this.signal);
      now = await this.#near(Math.max(0, count - 1), sample);
      if (now < 0) now = Math.max(0, Math.min(count, this.total - 1));
    }
    return now < 0 ? 0 : now - index;
  }

  /**
   * @param {number} index
   * @param {Sample} sample
   * @returns {Promise<number>} where the sample is in the page of an index; -1: not there
   */
  async #near(index, sample) {
    const number = Math.floor(index / PAGE);
    const found = (await this.page(number)).findIndex(({ id }) => id === sample.id);
    return found < 0 ? -1 : number * PAGE + found;
  }
}

/**
 * @param {import('./gallery_window.js').Span} span
 * @param {number} [shift]
 * @returns {number[]} the pages that hold it
 */
function pagesOf({ first, end }, shift = 0) {
  const from = Math.max(0, Math.floor((first + shift) / PAGE));
  const to = Math.max(from, Math.floor((end - 1 + shift) / PAGE));
  return Array.from({ length: to - from + 1 }, (_, step) => from + step);
}
