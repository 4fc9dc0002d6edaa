/** One piece of advice on the page. */

import { kindText, MOST_SHOWN, weightText } from './coach_text.js';
import { make } from './dom.js';
import { imageOf } from './gallery_api.js';

/** @typedef {import('./types.js').Advice} Advice */
/**
 * @typedef {object} Acts what a person can do about it
 * @property {(ids: string[], title: string) => void} showImages
 * @property {(id: string, tag: string) => void} accept
 * @property {(id: string) => void} keep
 */

const SIZE_PX = 192;

/**
 * @param {Advice} advice
 * @param {ReadonlyMap<string, string[]>} tags of images in doubt
 * @param {Acts} acts
 */
export function adviceRow(advice, tags, acts) {
  const row = make('li', 'advice');
  const head = make('p', 'kind');
  head.append(make('span', 'pill', kindText(advice)), make('span', 'note', weightText(advice)));
  const method = make('details', 'method');
  const how = make('summary', '', 'How this was found');
  how.dataset.key = `method ${advice.kind} ${advice.labels.join()}`;
  method.append(how, make('p', '', advice.method));
  row.append(head, make('p', 'text', advice.text), make('p', 'note', advice.evidence), method);
  if (advice.kind === 'wrong_tags') row.append(doubts(advice, tags, acts));
  else if (advice.samples.length) row.append(images(advice, acts));
  return row;
}

/**
 * @param {Advice} advice
 * @param {Acts} acts
 */
function images(advice, acts) {
  const all = opener(advice, acts, 'thumbs');
  all.append(...advice.samples.slice(0, MOST_SHOWN).map((id) => thumb(id)));
  return all;
}

/**
 * @param {Advice} advice
 * @param {Acts} acts
 * @param {string} className
 */
function opener(advice, { showImages }, className) {
  const count = advice.samples.length;
  const button = make('button', className);
  button.type = 'button';
  button.ariaLabel = count === 1 ? 'Show the image' : `Show all ${count} images`;
  button.title = button.ariaLabel;
  button.dataset.key = `show ${advice.kind} ${advice.labels.join()}`;
  button.addEventListener('click', () => showImages(advice.samples, advice.text));
  return button;
}

/**
 * @param {Advice} advice
 * @param {ReadonlyMap<string, string[]>} tags of images in doubt
 * @param {Acts} acts
 */
function doubts(advice, tags, acts) {
  const list = make('ul', 'doubts');
  advice.samples.slice(0, MOST_SHOWN).forEach((id, index) => {
    const tag = advice.suggestions[index] ?? '';
    const now = tags.get(id)?.join(', ') ?? '';
    const row = make('li');
    const show = opener(advice, acts, 'thumb');
    show.dataset.key += ` ${id}`;
    show.append(thumb(id));
    row.append(show, make('p', 'note', `tagged ${now}`),
      choice(`accept ${id}`, `Tag ${tag}`, `instead of ${now}`, () => acts.accept(id, tag)),
      choice(`keep ${id}`, 'Tag is right', `(${now})`, () => acts.keep(id)));
    list.append(row);
  });
  return list;
}

/**
 * @param {string} key
 * @param {string} text
 * @param {string} more for who hears it and does not see the image beside it
 * @param {() => void} act
 */
function choice(key, text, more, act) {
  const button = make('button', 'plain', text);
  button.type = 'button';
  button.dataset.key = key;
  button.append(make('span', 'sr', more));
  button.addEventListener('click', act);
  return button;
}

/** @param {string} id */
function thumb(id) {
  const image = make('img');
  image.alt = '';
  image.loading = 'lazy';
  image.src = imageOf(id, SIZE_PX);
  return image;
}
