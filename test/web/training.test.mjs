import assert from 'node:assert/strict';
import { test } from 'node:test';

import { isBusy, progressText } from '../../web/static/training_text.js';

const TUNING = { online: true, state: 'finetune', epoch: 3, epochs: 20, epoch_images: 96,
  images: 330, images_per_s: 33, eta_s: 7.1 };

test('the epoch, its time and that of all', () => {
  assert.equal(progressText(TUNING), 'epoch 3 of 20 · 8 s left · 3 min at most for all');
});

test('the last epoch has no others after it', () => {
  assert.equal(progressText({ ...TUNING, epoch: 20 }), 'epoch 20 of 20 · 8 s left');
});

test('without a limit of epochs', () => {
  assert.equal(progressText({ ...TUNING, epochs: 0 }), 'epoch 3 · 8 s left');
});

test('long times are in minutes and hours', () => {
  assert.match(progressText({ ...TUNING, eta_s: 300 }), /· 5 min left ·/);
  assert.match(progressText({ ...TUNING, eta_s: 9000 }), /· 2\.5 h left ·/);
});

test('a time that is not known is not told', () => {
  assert.equal(progressText({ ...TUNING, eta_s: null, images_per_s: 0 }), 'epoch 3 of 20');
});

test('after its last image an epoch is scored', () => {
  assert.equal(progressText({ ...TUNING, epoch_images: 330, eta_s: 0 }),
    'epoch 3 of 20 · being scored');
});

test('what is over is not told', () => {
  for (const state of ['off', 'waiting', 'failed', 'done']) {
    assert.equal(progressText({ ...TUNING, state }), '');
    assert.equal(isBusy({ ...TUNING, state }), false);
  }
  assert.equal(isBusy({ ...TUNING, online: false }), false);
  assert.equal(progressText({ ...TUNING, state: 'head' }), 'epoch 3 of 20');
});
