/** Frames that the model was not sure of: a person says what each shows, with one tap. */

import { get, problemOf, reason } from './api.js';
import { byId, make, onVisible, rows, setText } from './dom.js';
import { tagsIn } from './tags.js';

/** @typedef {import('./types.js').State} State */
/** @typedef {import('./types.js').Result} Result */
/**
 * @typedef {{id: number, stamp: string, results: Result[], unknown: boolean,
 *   model_version: number}} Frame of /api/v1/uncertain
 */

const PATH = '/api/v1/uncertain';
const REFRESH_MS = 3_000;
const TIMEOUT_MS = 20_000;
const THUMBNAIL_PX = 240;
const NOTHING = 'Nothing to ask: the model was sure so far.';

/** @returns {(state: State) => void} */
export function unsurePanel() {
  const card = byId('unsure', HTMLDetailsElement);
  const note = byId('unsure-note', HTMLElement);
  const choice = byId('unsure-choice', HTMLElement);
  const field = byId('unsure-tag', HTMLInputElement);
  /** @type {Frame[]} newest first */
  let frames = [];
  let chosen = 0;
  /** @type {string[]} */
  let labels = [];
  /** @type {Set<number>} on their way out */
  const leaving = new Set();
  let done = '';
  let problem = '';
  let timer = 0;
  let visible = false;
  let asked = 0;

  async function load() {
    window.clearTimeout(timer);
    const turn = asked += 1;
    try {
      const answer = await get(PATH);
      if (turn !== asked) return;
      frames = answer.frames.filter((/** @type {Frame} */ frame) => !leaving.has(frame.id));
      problem = '';
    } catch (error) {
      if (turn !== asked) return;
      problem = reason(error);
    }
    draw();
    timer = window.setTimeout(look, REFRESH_MS);
  }

  function look() {
    window.clearTimeout(timer);
    if (card.open && visible) void load();
    if (!card.open) setText(byId('unsure-meta', HTMLElement), ''); // nobody counts them then
  }

  /**
   * Take the chosen frame out at once, so that nobody waits for the robot.
   *
   * @param {'POST' | 'DELETE'} method
   * @param {string} text what to say then
   * @param {string[]} [tags]
   */
  async function settle(method, text, tags) {
    const index = frames.findIndex((frame) => frame.id === chosen);
    const [frame] = frames.splice(index, index < 0 ? 0 : 1);
    if (!frame) return;
    leaving.add(frame.id);
    chosen = (frames[index] ?? frames.at(-1))?.id ?? 0;
    draw();
    try {
      await send(method, frame.id, tags);
      [done, problem] = [text, ''];
    } catch (error) {
      [done, problem] = ['', reason(error)];
    }
    leaving.delete(frame.id);
    asked += 1; // an answer under way may still hold it
    draw();
    window.clearTimeout(timer);
    timer = window.setTimeout(look, problem ? REFRESH_MS : 0);
  }

  /** @param {string[]} tags */
  const label = (tags) => settle('POST', `Stored as ${tags.join(', ')}.`, tags);

  function draw() {
    const frame = frames.find((one) => one.id === chosen) ?? frames[0];
    chosen = frame?.id ?? 0;
    note.classList.toggle('bad', problem !== '');
    setText(note, problem || done || (frames.length ? '' : NOTHING));
    setText(byId('unsure-meta', HTMLElement), frames.length === 1 ? '1 frame'
      : `${frames.length} frames`);
    if (!frame && choice.contains(document.activeElement)) card.querySelector('summary')?.focus();
    choice.hidden = !frame;
    rows(byId('unsure-list', HTMLUListElement), frames.length, () => makeThumbnail((id) => {
      chosen = id;
      draw();
    })).forEach((row, index) => {
      const one = frames[index];
      if (one) showThumbnail(row, one, one.id === chosen);
    });
    if (frame) showFrame(frame);
    drawLabels(frame);
  }

  /** @param {Frame | undefined} frame */
  function drawLabels(frame) {
    rows(byId('unsure-labels', HTMLUListElement), labels.length, () => makeLabel(label))
      .forEach((row, index) => showLabel(row, labels[index] ?? '', frame));
  }

  card.addEventListener('toggle', look);
  onVisible((now) => {
    visible = now;
    look();
  });
  byId('unsure-form', HTMLFormElement).addEventListener('submit', (event) => {
    event.preventDefault();
    const tags = tagsIn(field.value);
    if (!tags.length) return;
    field.value = '';
    void label(tags);
  });
  byId('unsure-dismiss', HTMLButtonElement).addEventListener('click', () => {
    void settle('DELETE', 'Dismissed.');
  });
  return ({ dataset, tags: { active } }) => {
    labels = [...new Set([...dataset.classes, ...active])];
    drawLabels(frames.find((frame) => frame.id === chosen));
  };
}

/**
 * @param {'POST' | 'DELETE'} method
 * @param {number} id
 * @param {string[] | undefined} tags
 */
async function send(method, id, tags) {
  const response = await fetch(`${PATH}/${id}`, {
    method,
    headers: { 'Content-Type': 'application/json' },
    body: tags ? JSON.stringify({ tags }) : null,
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  if (!response.ok) throw await problemOf(response);
}

/** @param {(id: number) => void} choose */
function makeThumbnail(choose) {
  const row = make('li');
  const button = make('button', 'unsure-frame');
  button.type = 'button';
  button.addEventListener('click', () => choose(Number(button.value)));
  const image = make('img');
  image.alt = '';
  button.append(image, make('span'), make('span'));
  row.append(button);
  return row;
}

/**
 * @param {HTMLElement} row
 * @param {Frame} frame
 * @param {boolean} isChosen
 */
function showThumbnail(row, frame, isChosen) {
  const button = /** @type {HTMLButtonElement} */ (row.firstElementChild);
  const [image, first, second] = /** @type {[HTMLImageElement, HTMLElement, HTMLElement]} */ (
    /** @type {unknown} */ ([...button.children]));
  button.value = String(frame.id);
  button.ariaPressed = String(isChosen);
  show(image, `${PATH}/${frame.id}/image?size=${THUMBNAIL_PX}`);
  const [best, next] = frame.results.map(scored);
  setText(first, frame.unknown ? 'unknown' : best ?? '');
  setText(second, (frame.unknown ? best : next) ?? '');
  first.classList.toggle('unknown', frame.unknown);
}

/** @param {Frame} frame */
function showFrame(frame) {
  const image = byId('unsure-image', HTMLImageElement);
  const guess = frame.results.slice(0, 2).map(scored).join(' or ');
  const text = frame.unknown ? `Unknown to the model; at best ${guess}.` : `${guess}?`;
  show(image, `${PATH}/${frame.id}/image`);
  image.alt = `Frame of which the model says: ${text}`;
  setText(byId('unsure-guess', HTMLElement), text);
  const time = new Date(frame.stamp).toLocaleTimeString();
  setText(byId('unsure-when', HTMLElement), `${time} · version ${frame.model_version}`);
}

/** @param {(tags: string[]) => void} choose */
function makeLabel(choose) {
  const row = make('li');
  const button = make('button', 'plain');
  button.type = 'button';
  button.append(make('span'), make('span', 'number'));
  button.addEventListener('click', () => choose([button.value]));
  row.append(button);
  return row;
}

/**
 * @param {HTMLElement} row
 * @param {string} name
 * @param {Frame | undefined} frame
 */
function showLabel(row, name, frame) {
  const button = /** @type {HTMLButtonElement} */ (row.firstElementChild);
  const [label, number] = /** @type {[HTMLElement, HTMLElement]} */ (
    /** @type {unknown} */ ([...button.children]));
  const result = frame?.results.slice(0, 2).find((one) => one.label === name);
  button.value = name;
  button.classList.toggle('guess', result !== undefined);
  setText(label, name);
  setText(number, result ? ` ${percent(result)}` : '');
}

/**
 * @param {HTMLImageElement} image
 * @param {string} source
 */
function show(image, source) {
  if (image.getAttribute('src') !== source) image.src = source;
}

/** @param {Result} result */
function scored(result) {
  return `${result.label} ${percent(result)}`;
}

/** @param {Result} result */
function percent({ score }) {
  return `${Math.round(100 * score)} %`;
}
