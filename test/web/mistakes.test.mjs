import assert from 'node:assert/strict';
import { test } from 'node:test';

import { classScores, confusedPairs, pairText, rightOf } from '../../web/static/mistakes_table.js';

const LABELS = ['mug', 'tape', 'glue'];
const CONFUSION = [[8, 2, 0], [0, 5, 1], [3, 0, 0]];

test('pairs are sorted by how often they are confused', () => {
  const pairs = confusedPairs(LABELS, CONFUSION, 2);
  assert.deepEqual(pairs, [
    { truth: 'glue', answer: 'mug', count: 3, of: 3 },
    { truth: 'mug', answer: 'tape', count: 2, of: 10 }]);
  assert.equal(pairs[1] && pairText(pairs[1]), '“mug” is taken for “tape”: 2 of 10 images');
});

test('of pairs as often, the one of the smaller class comes first', () => {
  const [first] = confusedPairs(LABELS, [[9, 1, 0], [1, 1, 0], [0, 0, 1]], 1);
  assert.equal(first?.truth, 'tape');
});

test('recall and precision of each class', () => {
  assert.deepEqual(classScores(LABELS, CONFUSION), [
    { label: 'mug', support: 10, recall: 0.8, precision: 8 / 11 },
    { label: 'tape', support: 6, recall: 5 / 6, precision: 5 / 7 },
    { label: 'glue', support: 3, recall: 0, precision: 0 }]);
});

test('a class without images or answers has no figures', () => {
  assert.deepEqual(classScores(['mug', 'new'], [[4, 0], [0, 0]])[1],
    { label: 'new', support: 0, recall: null, precision: null });
});

test('how many are right', () => {
  assert.deepEqual(rightOf(CONFUSION), { right: 13, all: 19 });
  assert.deepEqual(rightOf([]), { right: 0, all: 0 });
});
