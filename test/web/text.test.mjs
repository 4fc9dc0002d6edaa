/** What the panels say. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
  frames, nothing, overVideo, smoothingText, summary,
} from '../../web/static/classification_text.js';
import { tagsIn } from '../../web/static/tags.js';
import { lost } from '../../web/static/versions.js';

const ANSWERING = { online: true, enabled: true, version: 6, rate_hz: 29.54 };

for (const [text, tags] of [
  ['', []],
  [' , ;; ', []],
  ['Red  Mug', ['red mug']],
  ['mug,tape;  GLUE\tstick ', ['mug', 'tape', 'glue stick']],
  ['ÄPFEL,日本', ['äpfel', '日本']],
]) {
  test(`tags in ${JSON.stringify(text)}`, () => assert.deepEqual(tagsIn(text), tags));
}

for (const [score, line] of [
  [1, '100.00% mug'], [0.9731, '97.31% mug'], [0.0213, '02.13% mug'], [0, '00.00% mug'],
]) {
  test(`${score} over the video`, () => assert.equal(overVideo({ score, label: 'mug' }), line));
}

for (const [smoothing, count, text] of [
  [0, 0, 'off'], [1, 1, 'off'], [0.25, 7, 'weight 0.25'], [0.5, 3, 'weight 0.50'],
  [8, 8, '8 frames'],
]) {
  test(`a smoothing of ${smoothing}`, () => {
    assert.equal(frames(smoothing), count);
    assert.equal(smoothingText(smoothing), text);
  });
}

for (const [change, said, why] of [
  [{}, 'version 6 · 29.5 Hz', 'Nothing above the threshold.'],
  [{ version: 0 }, 'no model yet', 'A first model follows two recorded classes.'],
  [{ enabled: false }, 'off', ''],
  [{ online: false }, 'offline', ''],
]) {
  test(`a classifier that is ${said}`, () => {
    const now = { ...ANSWERING, ...change };
    assert.equal(summary(now), said);
    assert.equal(nothing(now), why);
  });
}

test('classes that a version knows clearly worse are named', () => {
  const labels = ['mug', 'tape', 'glue', 'bolt'];
  const changes = [-0.1, -0.01, null, -0.334];
  const per_class = changes.map((change) => ({ change }));
  assert.equal(lost({ labels, scores: { per_class } }), 'lost: mug −10 %, bolt −33 %');
  assert.equal(lost({ labels, scores: { per_class: [{ change: 0.2 }] } }), '');
});
