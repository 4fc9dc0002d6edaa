/** Messages from the robot's nodes and from this page. */

import { byId, make } from './dom.js';

/** @typedef {import('./types.js').Alert} Alert */

const LOCAL_MS = 8_000;
const SHOWN = 6;

export class Alerts {
  #list = byId('alerts', HTMLElement);
  #newest = -1;

  /**
   * @param {Alert[]} alerts all that the server has
   */
  show(alerts) {
    const newest = Math.max(0, ...alerts.map((alert) => alert.id));
    // A server that was started again counts from the beginning.
    const first = this.#newest < 0 || newest < this.#newest;
    const fresh = alerts.filter((alert) => first || alert.id > this.#newest);
    this.#newest = newest;
    // A page that was opened later is told only what still holds, not what went by.
    for (const alert of first ? fresh.filter((one) => one.duration_ms === 0) : fresh) {
      this.#add(alert.level, alert.category, alert.message, alert.duration_ms);
    }
  }

  /**
   * @param {string} category
   * @param {string} message
   */
  complain(category, message) {
    this.#add('error', category, message, LOCAL_MS);
  }

  /**
   * @param {string} level
   * @param {string} category
   * @param {string} message
   * @param {number} duration_ms 0: until another one of its category comes
   */
  #add(level, category, message, duration_ms) {
    for (const old of [...this.#list.children]) {
      if (old instanceof HTMLElement && old.dataset.category === category) old.remove();
    }
    const row = make('div', `alert ${level}`);
    row.dataset.category = category;
    const close = make('button', 'cross', '×');
    close.type = 'button';
    close.ariaLabel = 'Dismiss';
    close.addEventListener('click', () => row.remove());
    const text = make('p', '', message);
    text.prepend(make('strong', '', category), ' ');
    row.append(text, close);
    this.#list.append(row);
    while (this.#list.children.length > SHOWN) this.#list.firstElementChild?.remove();
    if (duration_ms > 0) window.setTimeout(() => row.remove(), duration_ms);
  }
}
