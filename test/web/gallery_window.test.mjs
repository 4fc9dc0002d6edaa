import assert from 'node:assert/strict';
import test from 'node:test';

import {
  gridOf, heightOf, inSight, placeOf, scrolledTo, stepTo,
} from '../../web/static/gallery_window.js';

const TOTAL = 100_000;
const grid = gridOf(664, TOTAL);

test('as many columns as fit, and two on the narrowest phone', () => {
  assert.deepEqual([160, 300, 664, 1296].map((width) => gridOf(width, 9).columns), [2, 2, 4, 9]);
  for (const width of [160, 300, 664, 1296]) {
    const { columns, cell } = gridOf(width, 9);
    assert.ok(placeOf(gridOf(width, 9), columns - 1).x + cell <= width);
  }
});

test('only what is in sight, and some rows around it', () => {
  for (const top of [0, 12_345, heightOf(grid) - 500]) {
    const { first, end } = inSight(grid, top, 500, 2);
    assert.ok(placeOf(grid, first).y <= top);
    assert.ok(placeOf(grid, end - 1).y + grid.row >= Math.min(top + 500, heightOf(grid)));
    assert.ok(end - first <= 10 * grid.columns);
    assert.ok(first >= 0 && end <= TOTAL);
  }
});

test('what is not full is seen whole', () => {
  assert.deepEqual(inSight(gridOf(664, 3), 0, 500, 2), { first: 0, end: 3 });
  assert.deepEqual(inSight(gridOf(664, 0), 0, 500, 2), { first: 0, end: 0 });
  assert.equal(heightOf(gridOf(664, 0)), 0);
});

test('it scrolls no farther than needed', () => {
  const below = 10 * grid.columns;
  assert.equal(scrolledTo(grid, 0, 0, 500), 0);
  const top = scrolledTo(grid, below, 0, 500);
  assert.ok(top > 0 && inSight(grid, top, 500, 0).end > below);
  assert.equal(scrolledTo(grid, below, top, 500), top);
  assert.equal(scrolledTo(grid, 0, top, 500), 0);
});

test('keys lead to the neighbours and stay inside', () => {
  const { columns } = grid;
  const to = (key, index, of = grid) => stepTo(key, index, of, 500);
  assert.equal(to('ArrowRight', 4), 5);
  assert.equal(to('ArrowLeft', 0), 0);
  assert.equal(to('ArrowDown', 1), 1 + columns);
  assert.equal(to('ArrowUp', 1), 1);
  assert.equal(to('ArrowUp', columns + 1), 1);
  assert.equal(to('Home', 77), 0);
  assert.equal(to('End', 77), TOTAL - 1);
  assert.equal(to('ArrowRight', TOTAL - 1), TOTAL - 1);
  assert.equal(to('PageUp', 1), 1);
  assert.equal(to('PageUp', to('PageDown', 1)), 1);
  assert.equal(to('a', 1), undefined);
  assert.equal(to('End', 0, gridOf(664, 0)), undefined);
});

test('down from above a last row that is not full leads to its end', () => {
  const short = gridOf(664, 6); // four and two
  assert.equal(stepTo('ArrowDown', 3, short, 500), 5);
  assert.equal(stepTo('ArrowDown', 5, short, 500), 5);
});
