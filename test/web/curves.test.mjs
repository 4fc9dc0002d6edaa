import assert from 'node:assert/strict';
import { test } from 'node:test';

import { series, summary } from '../../web/static/curves_series.js';

const head = (accuracy) => ({ stage: 'head', epoch: 0, loss: null, accuracy });
const epoch = (number, loss, accuracy) => ({ stage: 'finetune', epoch: number, loss, accuracy });
const percent = (value) => `${Math.round(100 * value)} %`;

test('heads and the epochs of each run are apart', () => {
  const points = [head(0.5), epoch(1, 2, 0.6), head(0.55), epoch(2, 1, 0.7), epoch(1, 3, 0.8)];
  assert.deepEqual(series(points, 'accuracy'), {
    heads: [{ at: 0, value: 0.5 }, { at: 2, value: 0.55 }],
    runs: [[{ at: 1, value: 0.6 }, { at: 3, value: 0.7 }], [{ at: 4, value: 0.8 }]],
  });
});

test('what is not known is left out', () => {
  const points = [head(null), epoch(1, 2, null), epoch(2, null, 0.7)];
  assert.deepEqual(series(points, 'loss'), { heads: [], runs: [[{ at: 1, value: 2 }]] });
  assert.deepEqual(series([], 'loss'), { heads: [], runs: [] });
});

test('a sentence says how it went', () => {
  const points = [epoch(1, 2, 0.6), head(0.5), epoch(2, 0.5, 0.9), epoch(3, 1, 0.8)];
  assert.equal(summary('Loss', series(points, 'loss'), String, 'lowest'),
    'Loss of 3 epochs: 2 at first, 1 now, lowest 0.5.');
  assert.equal(summary('Score', series(points, 'accuracy'), percent, 'highest'),
    'Score of 1 head and 3 epochs: 60 % at first, 80 % now, highest 90 %.');
});

test('a sentence of one point, or of none', () => {
  assert.equal(summary('Score', series([head(0.5)], 'accuracy'), percent, 'highest'),
    'Score of 1 head: 50 %.');
  assert.equal(summary('Loss', series([head(0.5)], 'loss'), String, 'lowest'),
    'Loss: nothing yet.');
});
