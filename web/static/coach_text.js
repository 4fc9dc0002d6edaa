/** The coach's words, without a document. */

/** @typedef {import('./types.js').Advice} Advice */

/** Images of a piece of advice that are shown beside it. */
export const MOST_SHOWN = 6;

/** @type {Record<string, string>} */
const KINDS = {
  few_samples: 'Too few images',
  few_bursts: 'Too few bursts',
  imbalance: 'Uneven classes',
  confused_pair: 'Mixed up',
  wrong_tags: 'Wrong tags?',
  near_duplicates: 'Near-duplicates',
  one_light: 'One light only',
};

/** @param {Advice} advice */
export function kindText({ kind }) {
  return KINDS[kind] ?? kind;
}

/** @param {Advice} advice */
export function weightText({ weight }) {
  if (weight >= 2 / 3) return 'do this first';
  return weight >= 1 / 3 ? 'helps' : 'a hint';
}

/**
 * @param {Advice[]} advice
 * @param {ReadonlySet<string>} settled ids of images whose tags a person has looked at
 * @returns {Advice[]} what is left to say, the most useful first
 */
export function unsettled(advice, settled) {
  return advice.map((one) => {
    if (one.kind !== 'wrong_tags') return one;
    const left = one.samples.flatMap((id, index) => (settled.has(id) ? [] : [index]));
    return { ...one, samples: left.map((index) => one.samples[index] ?? ''),
      suggestions: left.map((index) => one.suggestions[index] ?? '') };
  }).filter(({ kind, samples }) => kind !== 'wrong_tags' || samples.length > 0)
    .sort((one, other) => other.weight - one.weight);
}
