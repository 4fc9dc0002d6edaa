/** What keys, mouse and fingers mean for the images. The list box pattern of ARIA's guide. */

import { stepTo } from './gallery_window.js';

/**
 * @typedef {'only' | 'toggle' | 'range' | 'more'} How range: from the last one chosen; more: and
 *   keep what was selected before
 *
 * @typedef {object} Intents
 * @property {(index: number, how: How) => void} choose
 * @property {(index: number) => void} open
 * @property {() => void} all
 * @property {() => void} none
 * @property {() => void} remove
 * @property {() => boolean} choosing whether a click only selects
 * @property {() => void} startChoosing
 */

const LONG_PRESS_MS = 450;
/** A finger that moves farther scrolls. */
const DRIFT_PX = 10;

/**
 * @param {import('./gallery_list.js').ImageList} list
 * @param {Intents} intents
 */
export function listen(list, intents) {
  list.box.addEventListener('keydown', (event) => {
    if (!onKey(event, list, intents)) return;
    event.preventDefault();
    event.stopPropagation(); // the space bar also records
  });
  byPointer(list, intents);
}

/**
 * @param {KeyboardEvent} event
 * @param {import('./gallery_list.js').ImageList} list
 * @param {Intents} intents
 * @returns {boolean} whether the key means something
 */
function onKey(event, list, intents) {
  const { key, shiftKey } = event;
  const control = event.ctrlKey || event.metaKey;
  if (event.altKey) return false;
  const target = stepTo(key, list.active, list.grid, list.box.clientHeight);
  if (target !== undefined) {
    list.go(target);
    if (shiftKey) intents.choose(target, control ? 'more' : 'range');
  } else if (key === ' ') {
    intents.choose(list.active, shiftKey ? 'range' : 'toggle');
  } else if (control && key.toLowerCase() === 'a') intents.all();
  else if (control) return false;
  else if (key === 'Enter') intents.open(list.active);
  else if (key === 'Delete') intents.remove();
  else if (key === 'Escape') intents.none();
  else return false;
  return true;
}

/**
 * @param {import('./gallery_list.js').ImageList} list
 * @param {Intents} intents
 */
function byPointer(list, intents) {
  const { box } = list;
  let touch = false;
  let held = false;
  let timer = 0;
  let from = { x: 0, y: 0 };
  box.addEventListener('pointerdown', (event) => {
    touch = event.pointerType !== 'mouse';
    held = false;
    from = { x: event.clientX, y: event.clientY };
    window.clearTimeout(timer);
    const index = list.indexOf(event);
    if (!touch || index < 0) return;
    timer = window.setTimeout(() => {
      held = true;
      intents.startChoosing();
      intents.choose(index, 'toggle');
    }, LONG_PRESS_MS);
  });
  box.addEventListener('pointermove', (event) => {
    const drift = Math.hypot(event.clientX - from.x, event.clientY - from.y);
    if (drift > DRIFT_PX) window.clearTimeout(timer);
  });
  for (const name of ['pointerup', 'pointercancel']) {
    box.addEventListener(name, () => window.clearTimeout(timer));
  }
  box.addEventListener('contextmenu', (event) => {
    if (touch) event.preventDefault(); // a long press selects
  });
  box.addEventListener('click', (event) => {
    const index = list.indexOf(event);
    if (index < 0 || held) return;
    list.go(index);
    const control = event.ctrlKey || event.metaKey;
    if (event.shiftKey) intents.choose(index, control ? 'more' : 'range');
    else if (control || intents.choosing()) intents.choose(index, 'toggle');
    else if (touch || event.detail === 2) intents.open(index);
    else intents.choose(index, 'only');
  });
}
