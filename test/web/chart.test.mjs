import assert from 'node:assert/strict';
import { test } from 'node:test';

import { scale, ticks } from '../../web/static/chart_scale.js';

test('ticks are round and hold all values', () => {
  assert.deepEqual(ticks(0.21, 1.37, 3), [0, 0.5, 1, 1.5]);
  assert.deepEqual(ticks(0.9, 0.97, 3), [0.9, 0.95, 1]);
  assert.deepEqual(ticks(0, 1, 3), [0, 0.5, 1]);
  assert.deepEqual(ticks(0.1, 0.3, 3), [0.1, 0.2, 0.3]);
});

test('ticks of one value are two at least', () => {
  for (const value of [0, 0.875, 1, 1234]) {
    const found = ticks(value, value, 3);
    assert.ok(found.length >= 2);
    assert.ok((found[0] ?? NaN) <= value && value <= (found.at(-1) ?? NaN));
  }
});

test('ticks are few whatever the values', () => {
  for (let power = -6; power <= 6; power += 0.37) {
    const found = ticks(0.3 * 10 ** power, 10 ** power, 3);
    assert.ok(found.length <= 6, `${found}`);
    assert.equal(new Set(found).size, found.length);
  }
});

test('a scale goes from end to end, upside down too', () => {
  const x = scale(0, 4, 40, 340);
  assert.deepEqual([x(0), x(2), x(4)], [40, 190, 340]);
  assert.equal(scale(0, 1, 100, 10)(1), 10);
});

test('one place only is in the middle', () => {
  assert.equal(scale(0, 0, 40, 340)(0), 190);
});
