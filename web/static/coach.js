/** The coach: what to record or to mend next, from what was recorded so far. */

import { get, reason } from './api.js';
import { adviceRow } from './coach_advice.js';
import { keepFocus } from './coach_focus.js';
import { MOST_SHOWN, unsettled } from './coach_text.js';
import { byId, setText } from './dom.js';
import { change, findIfKept } from './gallery_api.js';
import { whileOpen } from './paced.js';

/** @typedef {import('./types.js').State} State */
/** @typedef {import('./types.js').Advice} Advice */

const GAP_MS = 2_000;
const TIMEOUT_MS = 10_000;
/** From here on there is room for it and for what it is about. */
const WIDE = '(min-width: 900px)';

/**
 * @param {(ids: string[], title: string) => void} showImages
 * @returns {(state: State) => void}
 */
export function coachPanel(showImages) {
  const card = byId('coach', HTMLDetailsElement);
  card.open = window.matchMedia(WIDE).matches;
  const coach = new Coach(showImages);
  const tell = whileOpen(card, () => coach.load(), GAP_MS);
  return ({ dataset, training }) => {
    coach.isEmpty = dataset.samples === 0;
    tell(`${dataset.revision} ${training.live_version} ${training.online}`);
  };
}

class Coach {
  isEmpty = false;
  #list = byId('advice', HTMLOListElement);
  #summary = /** @type {HTMLElement} */ (document.querySelector('#coach > summary'));
  #undo = byId('coach-undo', HTMLButtonElement);
  #acts;
  /** @type {Advice[]} */
  #advice = [];
  /** Of the data set that the advice is about. */
  #revision = 0;
  /** @type {Set<string>} images whose tags a person has looked at, while this page lives */
  #settled = new Set();
  /** @type {Map<string, string[]>} tags of images in doubt */
  #tags = new Map();
  #drawn = '';

  /** @param {(ids: string[], title: string) => void} showImages */
  constructor(showImages) {
    this.#acts = {
      showImages,
      accept: (/** @type {string} */ id, /** @type {string} */ tag) => void this.#accept(id, tag),
      keep: (/** @type {string} */ id) => {
        this.#settled.add(id);
        void this.#show();
      },
    };
  }

  async load() {
    try {
      const answer = await get('/api/v1/advice');
      this.#advice = answer.advice;
      this.#revision = answer.dataset_revision;
      this.#tags.clear();
      await this.#show();
    } catch (error) {
      this.#note(reason(error), true);
    }
  }

  /**
   * @param {string} id
   * @param {string} tag
   */
  async #accept(id, tag) {
    this.#settled.add(id); // at once: a second press is for the next image
    await this.#show();
    const done = await this.#change('edits', { operation: 'set_tags', ids: [id], tags: [tag] },
      this.#revision, `Tagged ${tag}.`);
    if (!done) return this.#doubt(id);
    this.#undo.hidden = false;
    this.#undo.onclick = async () => {
      if (!await this.#change('undo', {}, done.revision, 'The tag is as it was.')) return;
      this.#undo.hidden = true;
      this.#summary.focus();
      await this.#doubt(id);
    };
  }

  /** @param {string} id */
  #doubt(id) {
    this.#settled.delete(id);
    return this.#show();
  }

  /**
   * @param {'edits' | 'undo'} what
   * @param {{operation: string, ids: string[], tags: string[]} | {}} body
   * @param {number} revision
   * @param {string} success
   */
  async #change(what, body, revision, success) {
    const said = byId('coach-said', HTMLElement);
    try {
      const done = await change(what, body, revision);
      setText(said, success);
      said.classList.remove('bad');
      return done;
    } catch (error) {
      setText(said, reason(error));
      said.classList.add('bad');
      return undefined;
    }
  }

  async #show() {
    await this.#learnTags(unsettled(this.#advice, this.#settled));
    const advice = unsettled(this.#advice, this.#settled);
    this.#note(advice.length ? '' : this.isEmpty
      ? 'Nothing is stored yet: set a tag and hold Record.'
      : 'Nothing to record or to mend that could be seen from the images so far.');
    setText(byId('coach-meta', HTMLElement), advice.length ? `${advice.length} to do` : '');
    this.#draw(advice);
  }

  /** @param {Advice[]} advice */
  async #learnTags(advice) {
    const unknown = advice.filter(({ kind }) => kind === 'wrong_tags')
      .flatMap(({ samples }) => samples.slice(0, MOST_SHOWN)).filter((id) => !this.#tags.has(id));
    await Promise.all(unknown.map(async (id) => {
      try {
        const sample = await findIfKept(id, AbortSignal.timeout(TIMEOUT_MS));
        if (sample) this.#tags.set(id, sample.tags);
        else this.#settled.add(id);
      } catch {
        // Shown without its tags, and asked for again when the advice is shown anew.
      }
    }));
  }

  /**
   * Only when it has changed, and focus and what is open stay: somebody works with it.
   *
   * @param {Advice[]} advice
   */
  #draw(advice) {
    const drawn = JSON.stringify([advice, [...this.#tags]]);
    if (drawn === this.#drawn) return;
    this.#drawn = drawn;
    const restore = keepFocus(this.#list);
    this.#list.replaceChildren(...advice.map((one) => adviceRow(one, this.#tags, this.#acts)));
    restore(this.#summary);
  }

  /**
   * @param {string} text
   * @param {boolean} [bad]
   */
  #note(text, bad = false) {
    const note = byId('coach-note', HTMLElement);
    setText(note, text);
    note.classList.toggle('bad', bad);
  }
}
