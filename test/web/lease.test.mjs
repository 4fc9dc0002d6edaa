/** Recording lasts for as long as Record is held, whatever the server does. */

import assert from 'node:assert/strict';
import { afterEach, beforeEach, mock, test } from 'node:test';

import { Problem } from '../../web/static/api.js';
import { Lease } from '../../web/static/lease.js';

/** Calls under way: what was asked, and how to answer. */
let calls;
let problems;
let prepared;
let lease;

beforeEach(() => {
  calls = [];
  problems = [];
  prepared = Promise.resolve();
  globalThis.window = globalThis;
  mock.timers.enable({ apis: ['setTimeout'] });
  mock.method(globalThis, 'fetch', (path, { body, keepalive }) => new Promise((resolve, reject) => {
    const answer = (status, detail = '') => resolve(Response.json({ detail }, { status }));
    calls.push({ path, on: JSON.parse(body), keepalive, answer, fail: reject });
  }));
  lease = new Lease(() => prepared, (problem) => problems.push(problem));
});

afterEach(() => {
  mock.timers.reset();
  mock.reset();
});

/** Let everything happen that waits for no call and no timer. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

/** Answer the newest call. */
async function answered(status = 200, detail = '') {
  await settle();
  calls.at(-1).answer(status, detail);
  await settle();
}

const asked = () => calls.map(({ on }) => on);

test('it is renewed while held, and ended once', async () => {
  lease.press();
  await answered();
  assert.equal(calls[0].path, '/dataset/recording?lease=0.7');
  mock.timers.tick(199);
  await settle();
  assert.deepEqual(asked(), [true]);
  mock.timers.tick(1);
  await answered();
  assert.deepEqual(asked(), [true, true]);
  lease.release();
  await answered();
  assert.deepEqual(asked(), [true, true, false]);
  mock.timers.tick(10_000);
  await settle();
  assert.equal(calls.length, 3);
  assert.deepEqual(problems, []);
});

test('"off" waits for the answer to "on"', async () => {
  lease.press();
  await settle();
  lease.release();
  await settle();
  assert.deepEqual(asked(), [true]);
  await answered();
  assert.deepEqual(asked(), [true, false]);
});

test('pressed again before "off" was answered, it records again', async () => {
  lease.press();
  await answered();
  lease.release();
  await settle();
  lease.press();
  await answered();
  await answered();
  assert.deepEqual(asked(), [true, false, true]);
});

test('nothing is recorded before the tags are there', async () => {
  let ready;
  prepared = new Promise((resolve) => { ready = resolve; });
  lease.press();
  await settle();
  assert.deepEqual(asked(), []);
  ready();
  await settle();
  assert.deepEqual(asked(), [true]);
});

test('a refusal is told, and needs no "off"', async () => {
  lease.press();
  await answered(503, 'the recorder does not answer');
  assert.deepEqual(asked(), [true]);
  assert.ok(problems[0] instanceof Problem);
  assert.equal(problems[0].message, 'the recorder does not answer');
});

test('what was not answered may have been heard: "off" follows', async () => {
  lease.press();
  await settle();
  calls[0].fail(new TypeError('network'));
  await settle();
  assert.deepEqual(asked(), [true, false]);
  assert.equal(problems.length, 1);
  await answered();
  lease.press();
  await settle();
  assert.deepEqual(asked(), [true, false, true]);
});

test('a page that goes away says "off" at once', async () => {
  lease.press();
  await settle();
  lease.abandon();
  assert.deepEqual(calls.map(({ on, keepalive }) => [on, keepalive]), [[true, false], [false, true]]);
});

test('a page that does not record says nothing when it goes away', async () => {
  lease.abandon();
  await settle();
  assert.deepEqual(asked(), []);
});
