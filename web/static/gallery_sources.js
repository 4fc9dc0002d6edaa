/** Where the gallery's images come from: a query, or samples that somebody has named. */

import { findIfKept, listSamples } from './gallery_api.js';
import { queryOf } from './gallery_samples.js';

/** @typedef {import('./gallery_samples.js').Sample} Sample */

/** Each of named samples is asked for by itself. */
const MOST_NAMED = 500;
const AT_ONCE = 4;

/**
 * @param {import('./gallery_samples.js').Filters} filters
 * @returns {import('./gallery_pages.js').Source}
 */
export function matching(filters) {
  /** @param {Record<string, string>} more @param {AbortSignal} signal */
  const list = (more, signal) => {
    const query = queryOf(filters);
    for (const [name, value] of Object.entries(more)) query.set(name, value);
    return listSamples(query, signal);
  };
  return {
    load: (offset, limit, signal) => list({ offset: `${offset}`, limit: `${limit}` }, signal),
    // Newest first: as many come before a sample, and itself, as are not older.
    notOlder: async ({ stamp }, signal) => (await list({ since: stamp, limit: '1' }, signal)).total,
  };
}

/**
 * @param {string[]} ids
 * @param {AbortSignal} signal
 * @returns {Promise<{ids: string[], left: string}>} those that are there, and which are left out
 */
export async function present(ids, signal) {
  const asked = [...new Set(ids)].slice(0, MOST_NAMED);
  const found = await facts(asked, signal);
  const unknown = found.filter((sample) => !sample).length;
  const deleted = found.filter((sample) => sample?.deleted).length;
  const left = [
    ids.length > asked.length ? `only the first ${asked.length} of ${ids.length} are shown` : '',
    unknown ? `${unknown} unknown left out` : '', deleted ? `${deleted} deleted left out` : '',
  ].filter((part) => part !== '').join(', ');
  return { ids: found.flatMap((sample) => (sample && !sample.deleted ? [sample.id] : [])), left };
}

/**
 * @param {string[]} ids that were there
 * @returns {import('./gallery_pages.js').Source}
 */
export function named(ids) {
  return {
    load: async (offset, limit, signal) => {
      const found = await facts(ids.slice(offset, offset + limit), signal);
      // One that was purged since keeps its place: nothing jumps.
      const samples = found.map((sample, index) => sample ?? purged(ids[offset + index] ?? ''));
      return { samples, total: ids.length, revision: 0 };
    },
  };
}

/**
 * @param {string[]} ids
 * @param {AbortSignal} signal
 * @returns {Promise<(Sample | undefined)[]>} undefined: there is no such sample
 */
async function facts(ids, signal) {
  /** @type {(Sample | undefined)[]} */
  const found = new Array(ids.length);
  let next = 0;
  const work = async () => {
    for (let mine = next++; mine < ids.length; mine = next++) {
      found[mine] = await findIfKept(ids[mine] ?? '', signal);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return found;
}

/**
 * @param {string} id
 * @returns {Sample}
 */
function purged(id) {
  return {
    id, tags: [], stamp: new Date(0).toISOString(), burst: 0, source: '', split: 'train',
    split_pinned: false, width: 0, height: 0, quarantined: '', deleted: true,
  };
}
