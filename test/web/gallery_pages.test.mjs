import assert from 'node:assert/strict';
import test from 'node:test';

import { PAGE, Pages } from '../../web/static/gallery_pages.js';

/** Samples that are there; answers wait until they are let go. */
class Robot {
  constructor(total) {
    this.ids = Array.from({ length: total }, (_, number) => total - number);
    this.revision = 1;
    this.asked = [];
    this.moves = [];
    this.errors = [];
    this.pages = new Pages({
      onChange: () => {},
      onMove: (shift) => this.moves.push(shift),
      onError: (error) => this.errors.push(error),
    });
  }

  /** A source whose answers come at once, unless `later` decides when. */
  source(later = () => Promise.resolve()) {
    return {
      load: async (offset, limit, signal) => {
        this.asked.push(offset);
        await later(offset);
        signal.throwIfAborted();
        const samples = this.ids.slice(offset, offset + limit).map((id) => ({ id: `${id}` }));
        return { samples, total: this.ids.length, revision: this.revision };
      },
      notOlder: async ({ id }) => this.ids.filter((other) => other >= Number(id)).length,
    };
  }

  seen(index) {
    return { index, sample: this.pages.at(index) };
  }
}

const until = async (condition) => {
  const end = Date.now() + 5_000;
  while (!condition()) {
    assert.ok(Date.now() < end, 'it takes too long');
    await new Promise((resolve) => { setTimeout(resolve, 5); });
  }
};

async function opened(total, span) {
  const robot = new Robot(total);
  robot.pages.open(robot.source());
  await until(() => robot.pages.at(0));
  robot.pages.want(span);
  await until(() => robot.pages.at(span.first) && robot.pages.at(span.end - 1));
  return robot;
}

test('few pages are in memory, wherever somebody was', async () => {
  const robot = await opened(100_000, { first: 0, end: 40 });
  for (let first = 0; first < 5_000; first += 250) {
    robot.pages.want({ first, end: first + 40 });
    await until(() => robot.pages.at(first) && robot.pages.at(first + 39));
    assert.ok(robot.pages.held <= 13);
  }
  assert.equal(robot.pages.at(4_750).id, `${100_000 - 4_750}`);
  assert.equal(robot.pages.at(0), undefined);
});

test('what is scrolled past is not waited for', async () => {
  const robot = new Robot(100_000);
  const waiting = new Map();
  robot.pages.open(robot.source((offset) => (offset === 50_000
    ? new Promise((resolve) => { waiting.set(offset, resolve); }) : undefined)));
  await until(() => robot.pages.at(0));
  robot.pages.want({ first: 50_000, end: 50_040 });
  await until(() => waiting.has(50_000));
  robot.pages.want({ first: 90_000, end: 90_040 });
  await until(() => robot.pages.at(90_000));
  waiting.get(50_000)();
  await robot.pages.ids({ first: 0, end: 1 }, new AbortController().signal);
  assert.equal(robot.pages.at(50_000), undefined);
  assert.deepEqual(robot.errors, []);
});

test('an answer to an earlier question is ignored', async () => {
  const robot = new Robot(500);
  let answer = () => {};
  robot.pages.open(robot.source(() => new Promise((resolve) => { answer = resolve; })));
  await until(() => robot.asked.length === 1);
  const other = new Robot(7);
  robot.pages.open(other.source());
  await until(() => robot.pages.total === 7);
  answer();
  await robot.pages.refresh(undefined);
  assert.equal(robot.pages.total, 7);
});

test('what is in sight stays where it is while others are added and deleted', async () => {
  const robot = await opened(5_000, { first: 2_000, end: 2_040 });
  const { id } = robot.pages.at(2_010);
  robot.ids.unshift(...Array.from({ length: 730 }, (_, number) => 5_730 - number));
  await robot.pages.refresh(robot.seen(2_010));
  assert.deepEqual(robot.moves, [730]);
  assert.equal(robot.pages.at(2_740).id, id);
  robot.pages.want({ first: 2_730, end: 2_770 });
  robot.ids.splice(100, 1_000);
  await robot.pages.refresh(robot.seen(2_740));
  assert.deepEqual(robot.moves, [730, -1_000]);
  assert.equal(robot.pages.at(1_740).id, id);
  assert.equal(robot.pages.total, 4_730);
});

test('in the place of one that is gone comes the next older one', async () => {
  const robot = await opened(5_000, { first: 2_000, end: 2_040 });
  const next = robot.pages.at(2_011).id;
  const seen = robot.seen(2_010);
  robot.ids.splice(2_010, 1);
  await robot.pages.refresh(seen);
  assert.deepEqual(robot.moves, []);
  assert.equal(robot.pages.at(2_010).id, next);
});

test('the ids of many, once each, whatever is added meanwhile', async () => {
  const robot = await opened(3_500, { first: 0, end: 40 });
  const { signal } = new AbortController();
  const near = await robot.pages.ids({ first: 5, end: 25 }, signal);
  assert.deepEqual([near.length, near[0]], [20, '3495']);
  const asked = robot.asked.length;
  const found = robot.pages.ids({ first: 0, end: 3_500 }, signal);
  robot.ids.unshift(3_502, 3_501);
  const ids = await found;
  assert.equal(robot.asked.length, asked + 4);
  assert.equal(new Set(ids).size, ids.length);
  assert.ok(ids.length >= 3_498);
});

test('an error is told and the page is asked for again when it is wanted', async () => {
  const robot = new Robot(3 * PAGE);
  let fails = true;
  robot.pages.open(robot.source(async () => {
    if (fails) throw new Error('away');
  }));
  await until(() => robot.errors.length === 1);
  fails = false;
  await until(() => robot.pages.total === 3 * PAGE);
});
