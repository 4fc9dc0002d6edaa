/** The token that the robot asks other machines for; a cookie stands for it afterwards. */

import { get, post, reason } from './api.js';
import { byId, setText } from './dom.js';

const PATH = '/api/v1/session';

/** @type {Promise<void> | undefined} */
let asking;

/**
 * @returns {Promise<void>} resolved when the robot answers this page: at once on the robot itself,
 *   where a token came with the address, or where one was given before
 */
export function entered() {
  asking ??= enter().finally(() => {
    asking = undefined;
  });
  return asking;
}

async function enter() {
  const given = new URLSearchParams(window.location.hash.slice(1)).get('token');
  // Out of sight and out of the history: a token is not to be read over a shoulder.
  if (given) window.history.replaceState(null, '', window.location.pathname);
  let problem = given ? await tryOut(given) : '';
  try {
    const { needed, scope } = await get(PATH);
    if (!needed || scope) return;
  } catch {
    return; // nobody answers: that is told elsewhere
  }
  while (!(await asked(problem))) problem = byId('entry-note', HTMLElement).textContent ?? '';
}

/**
 * @param {string} token
 * @returns {Promise<string>} what is wrong with it; empty: nothing
 */
async function tryOut(token) {
  try {
    await post(PATH, token);
    return '';
  } catch (error) {
    return reason(error);
  }
}

/**
 * @param {string} problem of the attempt before
 * @returns {Promise<boolean>} whether the token that was typed is a right one
 */
function asked(problem) {
  const dialog = byId('entry', HTMLDialogElement);
  const field = byId('entry-token', HTMLInputElement);
  const note = byId('entry-note', HTMLElement);
  setText(note, problem);
  if (!dialog.open) dialog.showModal();
  return new Promise((resolve) => {
    byId('entry-form', HTMLFormElement).addEventListener('submit', async (event) => {
      event.preventDefault();
      const found = await tryOut(field.value.trim());
      setText(note, found);
      field.value = '';
      if (!found) dialog.close();
      resolve(found === '');
    }, { once: true });
  });
}

/** Escape must not close what nothing works without. */
export function keepEntry() {
  byId('entry', HTMLDialogElement).addEventListener('cancel', (event) => event.preventDefault());
}
