/** Record by several holders at once. */

import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';

import { Hold } from '../../web/static/hold.js';

let said;
let hold;

beforeEach(() => {
  said = [];
  hold = new Hold(() => said.push('press'), () => said.push('release'));
});

test('one holder presses and releases', () => {
  hold.take('key');
  assert.deepEqual(said, ['press']);
  hold.letGo('key');
  assert.deepEqual(said, ['press', 'release']);
});

test('of two holders the last one releases', () => {
  hold.take('pointer');
  hold.take('key');
  hold.letGo('pointer');
  assert.deepEqual(said, ['press']);
  hold.letGo('key');
  assert.deepEqual(said, ['press', 'release']);
});

test('a holder may say it again', () => {
  hold.take('key');
  hold.take('key');
  hold.letGo('key');
  hold.letGo('key');
  assert.deepEqual(said, ['press', 'release']);
});

test('who does not hold cannot let go', () => {
  hold.letGo('pointer');
  hold.letGoAll();
  assert.deepEqual(said, []);
  hold.take('key');
  hold.letGo('pointer');
  assert.deepEqual(said, ['press']);
});

test('all let go at once, and it may be pressed again', () => {
  hold.take('pointer');
  hold.take('key');
  hold.letGoAll();
  hold.letGo('key');
  assert.deepEqual(said, ['press', 'release']);
  hold.take('pointer');
  assert.deepEqual(said, ['press', 'release', 'press']);
});
