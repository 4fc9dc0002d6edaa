/** Focus and what is open outlive new rows. Each control has a key: its kind, then what. */

/**
 * @param {HTMLElement} list
 * @returns {(fallback: HTMLElement) => void} call it when the rows were replaced: opens what was
 *   open and focuses what had the focus, or the next one of its kind
 */
export function keepFocus(list) {
  const active = document.activeElement;
  const held = active instanceof HTMLElement && list.contains(active) ? active.dataset.key : '';
  const place = held ? alike(list, held).findIndex(({ dataset }) => dataset.key === held) : 0;
  const opened = alike(list, 'method').filter(isOpen).map(({ dataset }) => dataset.key);
  return (fallback) => {
    for (const summary of alike(list, 'method')) {
      if (opened.includes(summary.dataset.key)) summary.parentElement?.setAttribute('open', '');
    }
    if (!held) return;
    const now = alike(list, held);
    const same = now.find(({ dataset }) => dataset.key === held);
    (same ?? now[place] ?? now.at(-1) ?? fallback).focus();
  };
}

/**
 * @param {HTMLElement} list
 * @param {string} key
 * @returns {HTMLElement[]} all of its kind
 */
function alike(list, key) {
  const [kind] = key.split(' ');
  return [.../** @type {NodeListOf<HTMLElement>} */ (
    list.querySelectorAll(`[data-key^="${kind} "]`))];
}

/** @param {HTMLElement} summary */
function isOpen({ parentElement }) {
  return parentElement instanceof HTMLDetailsElement && parentElement.open;
}
