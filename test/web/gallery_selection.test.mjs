import assert from 'node:assert/strict';
import test from 'node:test';

import { leaves } from '../../web/static/gallery_samples.js';
import { between, MOST, Selection } from '../../web/static/gallery_selection.js';

test('a click selects one, control-click another', () => {
  const selection = new Selection();
  selection.only('a', 0);
  selection.only('b', 1);
  selection.toggle('c', 2);
  assert.deepEqual(selection.ids, ['b', 'c']);
  selection.toggle('b', 1);
  assert.deepEqual(selection.ids, ['c']);
  assert.equal(selection.anchor, 1);
});

test('a range replaces the range before it, and more keeps what was there', () => {
  const selection = new Selection();
  selection.only('x', 9);
  selection.toggle('b', 1);
  selection.range(['b', 'c', 'd'], true);
  selection.range(['b', 'c'], true);
  assert.deepEqual(selection.ids.sort(), ['b', 'c', 'x']);
  selection.range(['a', 'b']);
  assert.deepEqual(selection.ids, ['a', 'b']);
  assert.equal(selection.anchor, 1);
});

test('never more than an edit takes', () => {
  const selection = new Selection();
  selection.range(Array.from({ length: MOST + 5 }, (_, number) => `${number}`));
  selection.toggle('one more', 0);
  assert.equal(selection.size, MOST);
});

test('what left is not selected any more', () => {
  const selection = new Selection();
  selection.range(['a', 'b', 'c']);
  selection.remove(['a', 'z']);
  assert.deepEqual(selection.ids, ['b', 'c']);
  selection.range(['d'], true);
  assert.deepEqual(selection.ids, ['b', 'c', 'd']);
});

test('a range holds both ends, in whatever order', () => {
  assert.deepEqual(between(7, 3), { first: 3, end: 8 });
  assert.deepEqual(between(3, 3), { first: 3, end: 4 });
});

test('which edits take samples out of what is shown', () => {
  const mugs = { tag: 'mug', burst: '', split: 'train', state: 'normal' };
  const all = { ...mugs, tag: '', split: '' };
  const edits = [
    [{ operation: 'delete' }, true, true],
    [{ operation: 'restore' }, true, true],
    [{ operation: 'set_tags', tags: ['cup'] }, true, false],
    [{ operation: 'set_tags', tags: ['cup', 'mug'] }, false, false],
    [{ operation: 'remove_tags', tags: ['mug'] }, true, false],
    [{ operation: 'remove_tags', tags: ['cup'] }, false, false],
    [{ operation: 'add_tags', tags: ['cup'] }, false, false],
    [{ operation: 'set_split', split: 'validation' }, true, false],
    [{ operation: 'set_split', split: 'train' }, false, false],
  ];
  for (const [edit, ofMugs, ofAll] of edits) {
    assert.equal(leaves(edit, mugs), ofMugs, JSON.stringify(edit));
    assert.equal(leaves(edit, all), ofAll, JSON.stringify(edit));
  }
});
