/** The versions that were learned: how good each is, and which one answers. */

import { get, put, reason } from './api.js';
import { byId, make, rows, setText } from './dom.js';

/** @typedef {import('./types.js').Version} Version */

const STAGES = { head: 'last layer', finetune: 'whole network' };
/** Of recall, on the same images as the version before: less is chance. */
const LOST = 0.02;

/** @returns {(training: import('./types.js').Training) => void} */
export function versionsPanel() {
  const card = byId('versions', HTMLDetailsElement);
  const note = byId('versions-note', HTMLElement);
  const back = byId('roll-back', HTMLButtonElement);
  let asked = 0;
  let seen = '';

  async function load() {
    const turn = asked += 1;
    let problem = '';
    try {
      const { models } = await get('/api/v1/models');
      if (turn === asked) showAll(models);
    } catch (error) {
      problem = reason(error);
    }
    if (turn === asked) setText(note, problem);
  }

  /** @param {number} version 0: the one that was live before */
  async function use(version) {
    try {
      await put('/api/v1/models/live', version);
      await load();
    } catch (error) {
      setText(note, reason(error));
    }
  }

  /** @param {Version[]} versions */
  function showAll(versions) {
    back.hidden = versions.length < 2;
    const list = byId('version-list', HTMLOListElement);
    rows(list, versions.length, () => makeRow(use)).forEach((row, index) => {
      const version = versions[index];
      if (version) showRow(row, version);
    });
  }

  back.addEventListener('click', () => void use(0));
  card.addEventListener('toggle', () => {
    if (card.open) void load();
  });
  return ({ live_version: live, state }) => {
    setText(byId('versions-meta', HTMLElement), live ? `version ${live} is live` : 'none yet');
    const now = `${live} ${state}`; // one that waits for a person comes with a change of state
    if (card.open && now !== seen) void load();
    seen = now;
  };
}

/** @param {(version: number) => void} use */
function makeRow(use) {
  const row = make('li', 'version');
  const button = make('button', 'plain', 'Use');
  button.type = 'button';
  button.addEventListener('click', () => use(Number(row.dataset.version)));
  row.append(make('span', 'name'), make('span', 'number'), button, make('p', 'note'));
  return row;
}

/**
 * @param {HTMLElement} row
 * @param {Version} version
 */
function showRow(row, version) {
  const [name, score, button, note] = /** @type {[HTMLElement, HTMLElement, HTMLButtonElement,
    HTMLElement]} */ (/** @type {unknown} */ ([...row.children]));
  const { version: number, stage, scores } = version;
  row.dataset.version = String(number);
  row.classList.toggle('live', version.live);
  setText(name, `${number} · ${STAGES[stage]}`);
  setText(score, scores.headline === null ? '–' : `${(100 * scores.headline).toFixed(1)} %`);
  setText(button, version.live ? 'Live' : 'Use');
  button.disabled = version.live;
  button.ariaLabel = version.live ? `Version ${number} is live` : `Use version ${number}`;
  setText(note, [when(version.created), `${scores.samples} held-out images`, lost(version)]
    .filter((part) => part !== '').join(' · '));
  note.title = version.reason;
}

/** @param {string} created */
function when(created) {
  return new Date(created).toLocaleString([], { dateStyle: 'short', timeStyle: 'short' });
}

/**
 * @param {Version} version
 * @returns {string} the classes that are known clearly worse than by the version before
 */
export function lost({ labels, scores }) {
  const worse = scores.per_class.flatMap(({ change }, index) => (
    change !== null && change < -LOST ? [`${labels[index]} −${Math.round(-100 * change)} %`] : []));
  return worse.length ? `lost: ${worse.join(', ')}` : '';
}
