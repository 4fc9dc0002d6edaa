/** The curves of training: loss, and the score on what is held out. */

import { get, reason } from './api.js';
import { Chart } from './chart.js';
import { series, summary } from './curves_series.js';
import { byId, make, rows, setText } from './dom.js';
import { paced } from './paced.js';

/** @typedef {import('./types.js').CurvePoint} CurvePoint */
/** @typedef {import('./curves_series.js').Figure} Figure */

const GAP_MS = 1_000;

/** @returns {(training: import('./types.js').Training) => void} */
export function curvesPanel() {
  const loss = new Chart(byId('loss-chart', HTMLElement));
  const score = new Chart(byId('score-chart', HTMLElement));
  const table = byId('curves-table', HTMLDetailsElement);
  const note = byId('curves-note', HTMLElement);
  /** @type {CurvePoint[]} */
  let points = [];
  let multi = false;
  let seen = '';

  const load = paced(async () => {
    try {
      ({ points } = await get('/api/v1/training/curves'));
      setText(note, '');
      show();
    } catch (error) {
      setText(note, reason(error));
    }
  }, GAP_MS);

  function show() {
    const [name, figure] = multi ? ['Held-out macro-F1', /** @type {Figure} */ ('macro_f1')]
      : ['Held-out accuracy', /** @type {Figure} */ ('accuracy')];
    showChart('loss', loss, points, 'loss', 'Loss',
      (value) => String(Number(value.toPrecision(3))), 'lowest');
    showChart('score', score, points, figure, name, percent, 'highest');
    byId('curves', HTMLElement).hidden = points.length === 0;
    if (table.open) showTable(points);
  }

  table.addEventListener('toggle', () => {
    if (table.open) showTable(points);
  });
  return (now) => {
    const state = `${now.epoch} ${now.live_version} ${now.state} ${now.online}`;
    multi = now.label_mode === 'multi';
    if (now.online && state !== seen) load();
    seen = state;
  };
}

/**
 * @param {string} id
 * @param {Chart} chart
 * @param {CurvePoint[]} points
 * @param {Figure} figure
 * @param {string} name
 * @param {(value: number) => string} format
 * @param {'lowest' | 'highest'} best
 */
function showChart(id, chart, points, figure, name, format, best) {
  const shown = series(points, figure);
  const some = shown.heads.length > 0 || shown.runs.length > 0;
  byId(`${id}-figure`, HTMLElement).hidden = !some;
  setText(byId(`${id}-name`, HTMLElement), name);
  if (some) chart.show(shown, points.length, format, summary(name, shown, format, best));
}

/** @param {CurvePoint[]} points */
function showTable(points) {
  const body = byId('curves-body', HTMLTableSectionElement);
  const newest = [...points].reverse();
  const makeRow = () => {
    const row = make('tr');
    const head = make('th');
    head.scope = 'row';
    row.append(head, ...Array.from({ length: 5 }, () => make('td')));
    return row;
  };
  rows(body, newest.length, makeRow).forEach((row, index) => {
    const point = newest[index];
    if (!point) return;
    const texts = [point.stage === 'head' ? 'head' : `epoch ${point.epoch}`,
      new Date(point.stamp).toLocaleTimeString(), known(point.loss, (value) => value.toFixed(3)),
      known(point.train_accuracy, percent), known(point.accuracy, percent),
      known(point.macro_f1, percent)];
    [...row.children].forEach((cell, column) => setText(/** @type {HTMLElement} */ (cell),
      texts[column] ?? ''));
  });
}

/**
 * @param {number | null} value
 * @param {(value: number) => string} format
 */
function known(value, format) {
  return value === null ? '–' : format(value);
}

/** @param {number} value */
function percent(value) {
  return `${Number((100 * value).toFixed(1))} %`;
}
