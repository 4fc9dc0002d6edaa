/** Changes of the data set that this page makes, and how they are taken back. */

import { byId, setText } from './dom.js';
import { change } from './gallery_api.js';

/** @typedef {import('./gallery_samples.js').Edit} Edit */
/** @typedef {import('./gallery_samples.js').Edited} Edited */

const REMEMBERED = 100;

export class Edits {
  /** @type {string[]} descriptions of what this page did, the last one at the end */
  #done = [];
  /** @type {string[]} */
  #undone = [];
  /** Revision of this page's last change; 0: none, or others have changed something since. */
  #revision = 0;
  #busy = false;

  /**
   * @param {(text: string) => void} onText what was done
   * @param {(error: unknown) => Promise<void>} onError resolved when it is told
   */
  constructor(onText, onError) {
    this.onText = onText;
    this.onError = onError;
  }

  /**
   * @param {Edit} edit
   * @param {number} seen revision that the person has seen
   * @returns {Promise<Edited | undefined>} undefined: it was refused, and that was told
   */
  make(edit, seen) {
    return this.#one(async () => {
      const made = await change('edits', edit, seen);
      if (made.changed) {
        this.#done = [...this.#done, made.description].slice(-REMEMBERED);
        this.#undone = [];
        this.#revision = made.revision;
      }
      this.onText(made.changed ? `${made.description}.` : 'Nothing to change.');
      return made;
    });
  }

  /**
   * @param {'undo' | 'redo'} which
   * @param {number} seen as above
   */
  travel(which, seen) {
    return this.#one(async () => {
      const made = await change(which, {}, this.#revision || seen).catch((error) => {
        this.#forget(); // there is nothing more, or somebody else has changed something
        throw error;
      });
      const [from, to] = which === 'undo' ? [this.#done, this.#undone]
        : [this.#undone, this.#done];
      from.pop();
      to.push(made.description);
      this.#revision = made.revision;
      this.onText(`${which === 'undo' ? 'Undone' : 'Done again'}: ${made.description}.`);
      return made;
    });
  }

  /**
   * One change at a time.
   *
   * @param {() => Promise<Edited>} work
   */
  async #one(work) {
    if (this.#busy) return undefined;
    this.#busy = true;
    try {
      return await work();
    } catch (error) {
      await this.onError(error);
      return undefined;
    } finally {
      this.#busy = false;
      this.#show();
    }
  }

  #forget() {
    this.#done = [];
    this.#undone = [];
    this.#revision = 0;
  }

  #show() {
    const next = { undo: this.#done.at(-1), redo: this.#undone.at(-1) };
    for (const [name, about = ''] of Object.entries(next)) {
      const button = byId(`gallery-${name}`, HTMLButtonElement);
      const label = name === 'undo' ? 'Undo' : 'Redo';
      setText(button, about ? `${label}: ${about}` : label);
      button.title = about;
    }
  }
}
