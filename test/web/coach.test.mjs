import assert from 'node:assert/strict';
import { test } from 'node:test';

import { kindText, unsettled, weightText } from '../../web/static/coach_text.js';

const WRONG = { kind: 'wrong_tags', weight: 0.5, samples: ['a', 'b', 'c'],
  suggestions: ['mug', 'tape', 'glue'] };
const PAIR = { kind: 'confused_pair', weight: 0.9, samples: ['a'], suggestions: [] };

test('the most useful comes first', () => {
  assert.deepEqual(unsettled([WRONG, PAIR], new Set()).map(({ kind }) => kind),
    ['confused_pair', 'wrong_tags']);
});

test('images that were looked at are in doubt no more', () => {
  const [pair, wrong] = unsettled([PAIR, WRONG], new Set(['a']));
  assert.deepEqual(wrong?.samples, ['b', 'c']);
  assert.deepEqual(wrong?.suggestions, ['tape', 'glue']);
  assert.deepEqual(pair?.samples, ['a']); // it is about the classes
});

test('when all were looked at the advice is done', () => {
  assert.deepEqual(unsettled([WRONG], new Set(['a', 'b', 'c'])), []);
});

test('kinds and weights in words', () => {
  assert.equal(kindText({ kind: 'one_light' }), 'One light only');
  assert.equal(kindText({ kind: 'of tomorrow' }), 'of tomorrow');
  assert.deepEqual([1, 0.5, 0.1].map((weight) => weightText({ weight })),
    ['do this first', 'helps', 'a hint']);
});
