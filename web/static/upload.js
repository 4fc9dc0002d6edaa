/** Uploads, by button or by dropping files on the page: one after the other, each with its result. */

import { reason, upload } from './api.js';
import { byId, make, setText } from './dom.js';

const SHOWN = 50;
const MIB = 2 ** 20;

/** @param {import('./tags.js').TagField} tags */
export function uploads(tags) {
  const list = byId('uploads', HTMLOListElement);
  const files = byId('files', HTMLInputElement);
  const limit = Number(document.body.dataset.uploadLimit) * MIB;
  let last = Promise.resolve();

  /** @param {Iterable<File>} chosen */
  const take = (chosen) => {
    // The tags of this moment, however long the queue is.
    const names = [...tags.tags];
    for (const file of chosen) {
      const result = addRow(list, file.name);
      last = last.then(() => send(file, names, limit, result));
    }
    list.scrollIntoView({ block: 'nearest' });
  };

  byId('upload', HTMLButtonElement).addEventListener('click', () => files.click());
  files.addEventListener('change', () => {
    take([...files.files ?? []]);
    files.value = '';
  });
  onDrop(take);
}

/**
 * @param {File} file
 * @param {string[]} tags
 * @param {number} limit bytes
 * @param {HTMLElement} result
 */
async function send(file, tags, limit, result) {
  setText(result, 'sending…');
  try {
    if (file.size > limit) throw new RangeError();
    await upload(file, tags);
    setText(result, tags.length ? `stored as ${tags.join(', ')}` : 'stored without tags');
    result.className = 'good';
  } catch (error) {
    const large = error instanceof RangeError;
    setText(result, large ? `too large: ${limit / MIB} MiB at most` : reason(error));
    result.className = 'bad';
  }
}

/**
 * @param {HTMLOListElement} list
 * @param {string} name
 */
function addRow(list, name) {
  const row = make('li');
  const result = make('span', '', 'waiting');
  row.append(make('span', 'file', name), result);
  list.prepend(row);
  while (list.children.length > SHOWN) list.lastElementChild?.remove();
  return result;
}

/** @param {(files: File[]) => void} take */
function onDrop(take) {
  /** @param {DragEvent} event */
  const holdsFiles = (event) => event.dataTransfer?.types.includes('Files') ?? false;
  document.addEventListener('dragover', (event) => {
    if (!holdsFiles(event)) return;
    event.preventDefault();
    document.body.classList.add('dropping');
  });
  document.addEventListener('dragleave', (event) => {
    if (!event.relatedTarget) document.body.classList.remove('dropping');
  });
  document.addEventListener('drop', (event) => {
    document.body.classList.remove('dropping');
    if (!holdsFiles(event)) return;
    event.preventDefault();
    take([...event.dataTransfer?.files ?? []]);
  });
}
