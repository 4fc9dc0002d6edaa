import assert from 'node:assert/strict';
import { mock, test } from 'node:test';

import { paced } from '../../web/static/paced.js';

const settle = () => new Promise((resolve) => { setImmediate(resolve); });

test('the first is at once, all that come in the gap are one after it', async () => {
  mock.timers.enable({ apis: ['setTimeout'] });
  let count = 0;
  const ask = paced(async () => { count += 1; }, 1000);
  ask();
  assert.equal(count, 1);
  await settle();
  ask();
  ask();
  mock.timers.tick(999);
  await settle();
  assert.equal(count, 1);
  mock.timers.tick(1);
  await settle();
  assert.equal(count, 2);
  mock.timers.tick(1000);
  await settle();
  assert.equal(count, 2);
  ask();
  assert.equal(count, 3);
  mock.timers.reset();
});

test('a slow one is not overtaken', async () => {
  mock.timers.enable({ apis: ['setTimeout'] });
  let end = () => {};
  let count = 0;
  const ask = paced(() => {
    count += 1;
    return new Promise((resolve) => { end = resolve; });
  }, 10);
  ask();
  ask();
  mock.timers.tick(100);
  await settle();
  assert.equal(count, 1);
  end();
  await settle();
  mock.timers.tick(10);
  await settle();
  assert.equal(count, 2);
  mock.timers.reset();
});
