/** What the live version mistakes for what, on held-out images. */

import { get, reason } from './api.js';
import { byId, make, setText } from './dom.js';
import { MistakesGrid } from './mistakes_grid.js';
import { classScores, confusedPairs, pairText, rightOf } from './mistakes_table.js';
import { whileOpen } from './paced.js';

/** @typedef {import('./types.js').State} State */
/** @typedef {import('./mistakes_table.js').ClassScore} ClassScore */
/** @typedef {(ids: string[], title: string) => void} ShowImages */

const REVIEW = '/api/v1/review';
const GAP_MS = 2_000;
const MOST_PAIRS = 3;
/** More images of a cell nobody looks through. */
const MOST_IMAGES = '1000';

/**
 * @param {ShowImages} showImages
 * @returns {(state: State) => void}
 */
export function mistakesPanel(showImages) {
  const card = byId('mistakes', HTMLDetailsElement);
  const grid = new MistakesGrid(byId('confusion', HTMLTableElement), open);
  /** @type {State['training'] | undefined} */
  let training;

  /**
   * @param {string} truth
   * @param {string} answer
   */
  async function open(truth, answer) {
    const query = new URLSearchParams({ truth, answer, limit: MOST_IMAGES });
    try {
      /** @type {{samples: {id: string}[], total: number}} */
      const { samples, total } = await get(`${REVIEW}?${query}`);
      const title = truth === answer ? `${truth}, answered right` : `${truth}, answered ${answer}`;
      showImages(samples.map(({ id }) => id), total > samples.length
        ? `${title}: the surest ${samples.length} of ${total}` : title);
    } catch (error) {
      complain(error);
    }
  }

  const tell = whileOpen(card, async () => {
    try {
      if (!training?.live_version) say('No version is live yet: record two classes first.');
      else if (training.label_mode === 'multi') await showMulti(training.live_version);
      else await showSingle();
    } catch (error) {
      complain(error);
    }
  }, GAP_MS);

  async function showSingle() {
    const { labels, confusion } = await get(REVIEW);
    const { right, all } = rightOf(confusion);
    if (!all) return say('No images are held out yet, so nothing can be compared: record each '
      + 'class in several bursts.');
    say('Held-out images, which the live version was not trained on. A number opens its images.',
      ['matrix', 'class-scores']);
    setText(byId('mistakes-meta', HTMLElement), `${all - right} of ${all} wrong`);
    grid.show(labels, confusion);
    showPairs(confusedPairs(labels, confusion, MOST_PAIRS), open);
    showScores(classScores(labels, confusion));
  }

  return (state) => {
    ({ training } = state);
    tell(`${state.dataset.revision} ${training.live_version} ${training.label_mode} `
      + `${training.online}`);
  };
}

/**
 * An image has several tags here, so that no answer stands in the place of another one.
 *
 * @param {number} live
 */
async function showMulti(live) {
  /** @type {{models: import('./types.js').Version[]}} */
  const { models } = await get('/api/v1/models');
  const { labels, scores } = models.find(({ version }) => version === live)
    ?? { labels: [], scores: { per_class: [] } };
  say('Images have several tags here, so no answer stands in the place of another one: there is '
    + 'no table of mistakes, only how well the live version knows each class.', ['class-scores']);
  showScores(scores.per_class.map((score, index) => ({ ...score, label: labels[index] ?? '' })));
}

/**
 * @param {string} text
 * @param {string[]} [shown] what is shown below it
 */
function say(text, shown = []) {
  const note = byId('mistakes-note', HTMLElement);
  setText(note, text);
  note.classList.remove('bad');
  setText(byId('mistakes-meta', HTMLElement), '');
  for (const id of ['matrix', 'class-scores']) byId(id, HTMLElement).hidden = !shown.includes(id);
}

/**
 * What was shown stays.
 *
 * @param {unknown} error
 */
function complain(error) {
  const note = byId('mistakes-note', HTMLElement);
  setText(note, reason(error));
  note.classList.add('bad');
}

/**
 * @param {import('./mistakes_table.js').Pair[]} pairs
 * @param {(truth: string, answer: string) => void} open
 */
function showPairs(pairs, open) {
  byId('confused', HTMLUListElement).replaceChildren(...pairs.map((pair) => {
    const row = make('li');
    const button = make('button', 'link', pairText(pair));
    button.type = 'button';
    button.addEventListener('click', () => open(pair.truth, pair.answer));
    row.append(button);
    return row;
  }));
}

/** @param {ClassScore[]} scores */
function showScores(scores) {
  const rows = [...scores].sort((one, other) => (one.recall ?? 2) - (other.recall ?? 2));
  byId('class-scores-body', HTMLTableSectionElement).replaceChildren(...rows.map((score) => {
    const row = make('tr');
    const head = make('th', '', score.label);
    head.scope = 'row';
    row.append(head, make('td', '', percent(score.recall)),
      make('td', '', percent(score.precision)), make('td', '', String(score.support)));
    return row;
  }));
}

/** @param {number | null} value */
function percent(value) {
  return value === null ? '–' : `${Math.round(100 * value)} %`;
}
