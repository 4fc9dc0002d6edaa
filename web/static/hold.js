/** A button that acts while it is held, by pointer, touch or space bar. */

const FIELDS = 'input, textarea, select, button, a, summary, [contenteditable]';

/**
 * Anything that takes the page's attention away lets go: losing the pointer, the focus, the tab.
 *
 * @param {HTMLButtonElement} button
 * @param {() => void} press
 * @param {() => void} release
 */
export function holdable(button, press, release) {
  /** @type {Set<'pointer' | 'key'>} */
  const holders = new Set();

  /** @param {'pointer' | 'key'} by */
  const hold = (by) => {
    if (holders.size === 0) press();
    holders.add(by);
  };
  /** @param {'pointer' | 'key'} by */
  const letGo = (by) => {
    if (holders.delete(by) && holders.size === 0) release();
  };
  const letGoAll = () => {
    letGo('pointer');
    letGo('key');
  };

  byPointer(button, hold, letGo);
  byKey(button, hold, letGo);
  window.addEventListener('blur', letGoAll);
  window.addEventListener('pagehide', letGoAll);
  document.addEventListener('visibilitychange', () => {
    if (document.hidden) letGoAll();
  });
}

/**
 * @param {HTMLButtonElement} button
 * @param {(by: 'pointer') => void} hold
 * @param {(by: 'pointer') => void} letGo
 */
function byPointer(button, hold, letGo) {
  button.addEventListener('pointerdown', (event) => {
    if (!event.isPrimary || event.button !== 0) return;
    button.setPointerCapture(event.pointerId);
    hold('pointer');
  });
  for (const name of ['pointerup', 'pointercancel', 'lostpointercapture']) {
    button.addEventListener(name, () => letGo('pointer'));
  }
  // A long touch would open a menu and take the pointer away.
  button.addEventListener('contextmenu', (event) => event.preventDefault());
}

/**
 * @param {HTMLButtonElement} button
 * @param {(by: 'key') => void} hold
 * @param {(by: 'key') => void} letGo
 */
function byKey(button, hold, letGo) {
  document.addEventListener('keydown', (event) => {
    if (event.key !== ' ' || event.ctrlKey || event.altKey || event.metaKey) return;
    const target = event.target instanceof Element ? event.target.closest(FIELDS) : null;
    if (target && target !== button) return;
    event.preventDefault(); // neither scroll nor click
    if (!event.repeat) hold('key');
  });
  document.addEventListener('keyup', (event) => {
    if (event.key !== ' ') return;
    if (event.target === button) event.preventDefault();
    letGo('key');
  });
}
