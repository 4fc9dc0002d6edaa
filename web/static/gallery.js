/** The images that are stored: to look through, to select, and to put right. */

import { Problem, reason } from './api.js';
import { byId, setText } from './dom.js';
import { ActionBar } from './gallery_actions.js';
import { Choice } from './gallery_choice.js';
import { Edits } from './gallery_edits.js';
import { FilterBar } from './gallery_filters.js';
import { listen } from './gallery_input.js';
import { ImageList } from './gallery_list.js';
import { Pages } from './gallery_pages.js';
import { images, leaves } from './gallery_samples.js';
import { matching, named, present } from './gallery_sources.js';
import { LargeView } from './gallery_view.js';

/** @typedef {import('./gallery_samples.js').Edit} Edit */
/** @typedef {import('./types.js').Dataset} Dataset */

/** What others record is shown this often at most. */
const PAUSE_MS = 300;
const ALL = { tag: '', burst: '', split: '', state: '' };

/** @type {Gallery | undefined} */
let gallery;

/** @returns {(dataset: Dataset) => void} */
export function galleryPanel() {
  const made = new Gallery();
  gallery = made;
  return (dataset) => made.update(dataset);
}

/**
 * Open the gallery with exactly these samples; unknown and deleted ones are left out, and told.
 *
 * @param {string[]} ids
 * @param {string} title
 */
export async function showImages(ids, title) {
  await gallery?.showNamed(ids, title);
}

class Gallery {
  #card = byId('images', HTMLDetailsElement);
  #note = byId('gallery-note', HTMLElement);
  #mode = byId('gallery-mode', HTMLButtonElement);
  #edits = new Edits((text) => this.#say(text), (error) => this.#refused(error));
  #pages = new Pages({
    onChange: () => {
      if (this.#failed) this.#say('');
      this.#failed = false;
      this.#draw();
    },
    onMove: (shift) => {
      this.#list.shift(shift);
      this.#view.shift(shift);
      this.#choice.shift(shift);
    },
    onError: (error) => {
      this.#failed = true;
      this.#complain(error);
    },
  });
  #choice = new Choice(this.#pages, () => this.#draw(), (text) => this.#say(text),
    (error) => this.#complain(error));
  #list = new ImageList(byId('gallery-list', HTMLElement), {
    at: (index) => this.#pages.at(index),
    selected: (id) => this.#choice.has(id),
    want: (span) => this.#pages.want(span),
  });
  #filters = new FilterBar(() => this.#showMatching(), (from, to) => void this.#rename(from, to));
  #actions = new ActionBar((edit) => void this.#act(edit), (problem) => this.#say(problem, true),
    () => this.#choice.clear());
  #view = new LargeView({
    at: (index) => this.#pages.at(index),
    total: () => this.#pages.total,
    selected: (id) => this.#choice.has(id),
    toggle: (index) => this.#choice.pick(index, 'toggle'),
    go: (index) => this.#list.go(index),
    onBurst: (burst) => this.#filters.showBurst(burst),
  });
  /** Samples that somebody has named are shown, whatever the filters say. */
  #isNamed = false;
  /** The list itself could not be asked for. */
  #failed = false;
  /** Revision and presence of the data set that the server told of last. */
  #told = '';
  #again = false;
  /** @type {Promise<void> | undefined} */
  #refreshing;
  /** @type {AbortController | undefined} of the question for named samples */
  #looking;

  constructor() {
    this.#card.addEventListener('toggle', () => this.#onToggle());
    this.#card.addEventListener('keydown', (event) => this.#onKey(event));
    listen(this.#list, {
      choose: (index, how) => this.#choice.pick(index, how),
      open: (index) => this.#view.open(index),
      all: () => void this.#choice.all(),
      none: () => this.#none(),
      remove: () => void this.#act({ operation: 'delete' }),
      choosing: () => this.#mode.ariaPressed === 'true',
      startChoosing: () => this.#setMode(true),
    });
    this.#mode.addEventListener('click', () => {
      this.#setMode(this.#mode.ariaPressed !== 'true');
    });
    /** @type {[string, () => void][]} */
    const buttons = [
      ['all', () => void this.#choice.all()], ['back', () => this.#showMatching()],
      ['undo', () => void this.#travel('undo')], ['redo', () => void this.#travel('redo')],
    ];
    for (const [name, act] of buttons) {
      byId(`gallery-${name}`, HTMLButtonElement).addEventListener('click', act);
    }
  }

  /** @param {Dataset} dataset */
  update({ classes, samples, revision, online, recording }) {
    this.#filters.show(classes);
    setText(byId('images-meta', HTMLElement), images(samples));
    // Each named sample is asked for by itself: not as often as something is recorded.
    if (this.#isNamed && recording) return;
    const told = `${revision} ${online}`;
    if (told !== this.#told && this.#card.open) void this.#refresh();
    this.#told = told;
  }

  /**
   * @param {string[]} ids
   * @param {string} title
   */
  async showNamed(ids, title) {
    this.#begin(title);
    this.#card.open = true;
    const heading = byId('gallery-title', HTMLElement);
    heading.focus({ preventScroll: true });
    this.#card.scrollIntoView();
    this.#say('Looking for these images…');
    const control = new AbortController();
    this.#looking = control;
    try {
      const found = await present(ids, control.signal);
      if (control.signal.aborted) return;
      this.#say(found.left && `${found.left}.`);
      this.#pages.open(named(found.ids));
    } catch (error) {
      if (!control.signal.aborted) this.#complain(error);
    }
  }

  #showMatching() {
    this.#begin('');
    this.#pages.open(matching(this.#filters.filters));
  }

  /** @param {string} title of named samples; empty: the filters choose */
  #begin(title) {
    this.#isNamed = title !== '';
    this.#looking?.abort();
    this.#pages.close();
    this.#choice.clear();
    this.#filters.hidden = this.#isNamed;
    byId('gallery-named', HTMLElement).hidden = !this.#isNamed;
    setText(byId('gallery-title', HTMLElement), title);
    this.#list.reset();
    this.#draw();
  }

  #onToggle() {
    if (!this.#card.open) this.#begin('');
    else if (!this.#isNamed) this.#showMatching();
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    const key = event.key.toLowerCase();
    if (!(event.ctrlKey || event.metaKey) || event.altKey || !'zy'.includes(key)) return;
    if (event.target instanceof HTMLInputElement) return; // there it takes back what was typed
    event.preventDefault();
    void this.#travel(event.shiftKey || key === 'y' ? 'redo' : 'undo');
  }

  #none() {
    this.#setMode(false);
    this.#choice.clear();
  }

  /** @param {boolean} on whether a click only selects */
  #setMode(on) {
    this.#mode.ariaPressed = String(on);
  }

  /** @param {Edit} edit of what is selected */
  async #act(edit) {
    const { ids } = this.#choice;
    if (!ids.length) return;
    const made = await this.#edits.make({ ...edit, ids }, this.#choice.basis);
    if (made && leaves(edit, this.#isNamed ? ALL : this.#filters.filters)) {
      this.#choice.remove(ids);
    }
    await this.#after(made);
  }

  /**
   * @param {string} from
   * @param {string} to
   */
  async #rename(from, to) {
    const edit = { operation: 'rename_class', from, to };
    const made = await this.#edits.make(edit, this.#pages.revision);
    if (made) this.#filters.showClass(to);
    await this.#after(made);
  }

  /** @param {'undo' | 'redo'} which */
  async #travel(which) {
    await this.#after(await this.#edits.travel(which, this.#pages.revision));
  }

  /** @param {import('./gallery_samples.js').Edited | undefined} made */
  async #after(made) {
    this.#draw();
    if (!made) return;
    this.#choice.basis = this.#pages.learn(made.revision);
    await this.#refresh();
  }

  /** @param {unknown} error */
  async #refused(error) {
    if (error instanceof Problem && error.status === 409) { // perhaps others were faster
      await this.#refresh(); // so that it is told to somebody who sees what they did
      this.#choice.basis = this.#pages.revision;
    }
    this.#complain(error);
  }

  /** Look at what is there now, and once more if something changes meanwhile. */
  #refresh() {
    this.#again = true;
    this.#refreshing ??= this.#refreshAll().finally(() => { this.#refreshing = undefined; });
    return this.#refreshing;
  }

  async #refreshAll() {
    while (this.#again) {
      this.#again = false;
      await this.#pages.refresh(this.#list.seen());
      await new Promise((resolve) => { window.setTimeout(resolve, PAUSE_MS); });
    }
  }

  #draw() {
    const { total } = this.#pages;
    this.#list.show(total);
    this.#view.show();
    setText(byId('gallery-count', HTMLElement), total < 0 ? 'Loading…' : images(total));
    const state = this.#isNamed ? '' : this.#filters.filters.state;
    if (this.#actions.show(this.#choice.size, state)) this.#list.focus();
  }

  /** @param {unknown} error */
  #complain(error) {
    this.#say(reason(error), true);
  }

  /**
   * @param {string} text
   * @param {boolean} [bad]
   */
  #say(text, bad = false) {
    setText(this.#note, text);
    this.#note.classList.toggle('bad', bad);
  }
}
