/** Small helpers for the document. Text only ever goes in as text. */

/**
 * @template {HTMLElement} T
 * @param {string} id
 * @param {new () => T} kind
 * @returns {T} the element, which must be there and of this kind
 */
export function byId(id, kind) {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`the page has no ${kind.name} #${id}`);
  return found;
}

/**
 * @template {keyof HTMLElementTagNameMap} N
 * @param {N} name
 * @param {string} [className]
 * @param {string} [text]
 * @returns {HTMLElementTagNameMap[N]}
 */
export function make(name, className = '', text = '') {
  const element = document.createElement(name);
  if (className) element.className = className;
  if (text) element.textContent = text;
  return element;
}

/**
 * Set the text only when it differs, so that screen readers hear changes only.
 *
 * @param {HTMLElement} element
 * @param {string} text
 */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * Give a list exactly `count` rows and keep those that it has: ten updates a second must not move
 * the focus or restart a transition.
 *
 * @template {HTMLElement} T
 * @param {HTMLElement} list
 * @param {number} count
 * @param {() => T} makeRow
 * @returns {T[]}
 */
export function rows(list, count, makeRow) {
  while (list.children.length > count) list.lastElementChild?.remove();
  while (list.children.length < count) list.append(makeRow());
  return /** @type {T[]} */ ([...list.children]);
}

/**
 * Run `callback` whenever the page comes into view or goes out of it, and now.
 *
 * @param {(visible: boolean) => void} callback
 */
export function onVisible(callback) {
  const tell = () => callback(!document.hidden);
  document.addEventListener('visibilitychange', tell);
  window.addEventListener('pageshow', tell);
  window.addEventListener('pagehide', () => callback(false));
  tell();
}
