/** Keeps the server recording while Record is held, and no longer. */

import { Problem, put } from './api.js';

const PATH = '/dataset/recording';
/** With what the server adds to notice it, less than a second. */
const LEASE_S = 0.7;
const RENEW_MS = 200;

export class Lease {
  #held = false;
  #running = false;
  /** @type {() => void} */
  #wake = () => {};

  /**
   * @param {() => Promise<void>} prepare runs before recording starts; may throw
   * @param {(error: unknown) => void} onProblem
   */
  constructor(prepare, onProblem) {
    this.prepare = prepare;
    this.onProblem = onProblem;
  }

  press() {
    this.#held = true;
    if (!this.#running) void this.#run();
  }

  release() {
    this.#held = false;
    this.#wake();
  }

  /** The page goes away: no time for a call after the other. */
  abandon() {
    if (!this.#running) return;
    this.release();
    void put(PATH, false, { keepalive: true }).catch(() => {}); // the lease ends it then
  }

  /** One call after the other: an "on" never arrives behind the "off" that follows it. */
  async #run() {
    this.#running = true;
    while (this.#held) {
      try {
        await this.prepare();
        while (this.#held) {
          await put(`${PATH}?lease=${LEASE_S}`, true);
          await this.#pause();
        }
        await put(PATH, false, { keepalive: true });
      } catch (error) {
        this.#held = false;
        this.onProblem(error);
        // Refused: there is nothing to release. Not answered: it may have been heard.
        if (!(error instanceof Problem)) await put(PATH, false).catch(() => {});
      }
    }
    this.#running = false;
  }

  /** @returns {Promise<void>} until it is time to renew, or Record was released */
  #pause() {
    if (!this.#held) return Promise.resolve();
    return new Promise((resolve) => {
      this.#wake = resolve;
      window.setTimeout(resolve, RENEW_MS);
    });
  }
}
