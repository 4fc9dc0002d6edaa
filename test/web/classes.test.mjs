import assert from 'node:assert/strict';
import { test } from 'node:test';

import { imbalance } from '../../web/static/classes_balance.js';

test('the class of the fewest images is named', () => {
  assert.equal(imbalance(['bottle', 'can'], [198, 22]),
    '“bottle” has 9 times the images of “can”: record more of “can”.');
});

test('so are all that have too few, the fewest first', () => {
  assert.equal(imbalance(['a', 'b', 'c', 'd'], [90, 20, 10, 31]),
    '“a” has 9 times the images of “c”: record more of “c” and “b”.');
  assert.match(imbalance(['a', 'b', 'c', 'd', 'e', 'f'], [99, 1, 2, 3, 4, 5]),
    /record more of “b”, “c”, “d” and 2 more\.$/);
});

test('alike classes, one class and no class are even', () => {
  assert.equal(imbalance(['a', 'b'], [39, 10]), '');
  assert.equal(imbalance(['a'], [100]), '');
  assert.equal(imbalance([], []), '');
});

test('a class without images', () => {
  assert.equal(imbalance(['a', 'b'], [12, 0]),
    '“a” has 12 images, “b” has none: record more of “b”.');
  assert.equal(imbalance(['a', 'b'], [0, 0]), '');
});
