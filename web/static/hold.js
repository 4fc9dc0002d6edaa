/** A button that acts while it is held, by pointer, touch or space bar. */

const FIELDS = 'input, textarea, select, button, a, summary, [contenteditable]';

/** @typedef {'pointer' | 'key'} Holder */

/** The first one who holds presses, the last one who lets go releases. */
export class Hold {
  /** @type {Set<Holder>} */
  #holders = new Set();

  /**
   * @param {() => void} press
   * @param {() => void} release
   */
  constructor(press, release) {
    this.press = press;
    this.release = release;
  }

  /** @param {Holder} by */
  take(by) {
    if (this.#holders.size === 0) this.press();
    this.#holders.add(by);
  }

  /** @param {Holder} by */
  letGo(by) {
    if (this.#holders.delete(by) && this.#holders.size === 0) this.release();
  }

  letGoAll() {
    if (this.#holders.size === 0) return;
    this.#holders.clear();
    this.release();
  }
}

/**
 * Anything that takes the page's attention away lets go: losing the pointer, the focus, the tab.
 *
 * @param {HTMLButtonElement} button
 * @param {() => void} press
 * @param {() => void} release
 */
export function holdable(button, press, release) {
  const hold = new Hold(press, release);
  const letGoAll = () => hold.letGoAll();
  byPointer(button, hold);
  byKey(button, hold);
  window.addEventListener('blur', letGoAll);
  window.addEventListener('pagehide', letGoAll);
  document.addEventListener('visibilitychange', () => {
    if (document.hidden) letGoAll();
  });
}

/**
 * @param {HTMLButtonElement} button
 * @param {Hold} hold
 */
function byPointer(button, hold) {
  button.addEventListener('pointerdown', (event) => {
    if (!event.isPrimary || event.button !== 0) return;
    button.setPointerCapture(event.pointerId);
    hold.take('pointer');
  });
  for (const name of ['pointerup', 'pointercancel', 'lostpointercapture']) {
    button.addEventListener(name, () => hold.letGo('pointer'));
  }
  // A long touch would open a menu and take the pointer away.
  button.addEventListener('contextmenu', (event) => event.preventDefault());
}

/**
 * @param {HTMLButtonElement} button
 * @param {Hold} hold
 */
function byKey(button, hold) {
  document.addEventListener('keydown', (event) => {
    if (event.key !== ' ' || event.ctrlKey || event.altKey || event.metaKey) return;
    const target = event.target instanceof Element ? event.target.closest(FIELDS) : null;
    if (target && target !== button) return;
    event.preventDefault(); // neither scroll nor click
    if (!event.repeat) hold.take('key');
  });
  document.addEventListener('keyup', (event) => {
    if (event.key !== ' ') return;
    if (event.target === button) event.preventDefault();
    hold.letGo('key');
  });
}
