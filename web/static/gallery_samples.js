/** Samples as the gallery shows, asks for and changes them. */

/**
 * @typedef {object} Sample of /api/v1/samples
 * @property {string} id
 * @property {string[]} tags
 * @property {string} stamp ISO 8601
 * @property {number} burst
 * @property {string} source
 * @property {'train' | 'validation' | 'gap'} split
 * @property {boolean} split_pinned
 * @property {number} width
 * @property {number} height
 * @property {string} quarantined why; empty: it is not
 * @property {boolean} deleted
 *
 * @typedef {{tag: string, burst: string, split: string, state: string}} Filters empty: all
 *
 * @typedef {{operation: string, ids?: string[], tags?: string[], split?: string, from?: string,
 *   to?: string}} Edit of /api/v1/edits
 *
 * @typedef {{changed: number, revision: number, description: string}} Edited
 */

/** How people call the splits. */
export const SPLITS = { train: 'training', validation: 'held out', gap: 'between the two' };

const TIME = new Intl.DateTimeFormat([], { dateStyle: 'medium', timeStyle: 'medium' });

/**
 * @param {Filters} filters
 * @returns {URLSearchParams} those that are set
 */
export function queryOf(filters) {
  return new URLSearchParams(Object.entries(filters).filter(([, value]) => value !== ''));
}

/** @param {Sample} sample */
export function tagsOf({ tags }) {
  return tags.join(', ') || 'no tags';
}

/** @param {Sample} sample */
export function timeOf({ stamp }) {
  return TIME.format(new Date(stamp));
}

/**
 * @param {Sample} sample
 * @returns {string} all that matters, in a line
 */
export function describe(sample) {
  return [
    tagsOf(sample), SPLITS[sample.split], `burst ${sample.burst}`, timeOf(sample),
    sample.quarantined ? `set aside: ${sample.quarantined}` : '',
    sample.deleted ? 'deleted' : '',
  ].filter((part) => part !== '').join(' · ');
}

/**
 * @param {Edit} edit
 * @param {Filters} filters
 * @returns {boolean} whether samples leave what the filters show
 */
export function leaves({ operation, tags = [], split }, { tag, split: shown }) {
  if (operation === 'delete' || operation === 'restore') return true;
  if (operation === 'set_tags') return tag !== '' && !tags.includes(tag);
  if (operation === 'remove_tags') return tags.includes(tag);
  return operation === 'set_split' && shown !== '' && shown !== split;
}

/** @param {number} count */
export function images(count) {
  return count === 1 ? '1 image' : `${count.toLocaleString()} images`;
}
