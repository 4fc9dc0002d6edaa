/** Images out of a stream, however it was cut. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Multipart } from '../../web/static/multipart.js';

const bytes = (text) => new TextEncoder().encode(text);
const text = (image) => new TextDecoder().decode(image);
const part = (image) => '--frame\r\nContent-Type: image/jpeg\r\n'
  + `Content-Length: ${bytes(image).length}\r\n\r\n${image}\r\n`;

/** What comes out when the stream comes in pieces of this size. */
function read(stream, size) {
  const parser = new Multipart();
  const whole = bytes(stream);
  const images = [];
  for (let at = 0; at < whole.length; at += size) {
    images.push(...parser.push(whole.slice(at, at + size)).map(text));
  }
  return images;
}

const IMAGES = ['one', '', 'line\r\n\r\nbreaks\n\n--frame', '\r\n', 'last'];
const STREAM = IMAGES.map((image) => part(image)).join('');

for (const size of [1, 2, 3, 7, 64, STREAM.length]) {
  test(`pieces of ${size} bytes`, () => assert.deepEqual(read(STREAM, size), IMAGES));
}

test('an image that has not come whole waits', () => {
  const parser = new Multipart();
  const whole = bytes(part('image'));
  assert.deepEqual(parser.push(whole.slice(0, -3)), []);
  assert.deepEqual(parser.push(whole.slice(-3)).map(text), ['image']);
});

for (const [name, head] of [
  ['no length', 'Content-Type: image/jpeg'],
  ['a length that is none', 'Content-Length: many'],
  ['a length beyond all bounds', `Content-Length: ${2 ** 40}`],
]) {
  test(`a part with ${name} is refused`, () => {
    assert.throws(() => new Multipart().push(bytes(`--frame\r\n${head}\r\n\r\nimage`)),
      /without a usable length/);
  });
}

test('a head without an end is refused', () => {
  assert.throws(() => new Multipart().push(new Uint8Array(5_000).fill(120)), /without a head/);
});
