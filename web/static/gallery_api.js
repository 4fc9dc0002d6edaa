/** What the gallery asks the server. */

import { Problem, problemOf } from './api.js';

/** @typedef {import('./gallery_samples.js').Sample} Sample */
/** @typedef {import('./gallery_samples.js').Edit} Edit */
/** @typedef {import('./gallery_samples.js').Edited} Edited */
/** @typedef {{samples: Sample[], total: number, revision: number}} Answer */

const TIMEOUT_MS = 15_000;
/** An edit may be one of 100,000 samples. */
const EDIT_TIMEOUT_MS = 70_000;

/**
 * @param {URLSearchParams} query
 * @param {AbortSignal} signal
 * @returns {Promise<Answer>}
 */
export function listSamples(query, signal) {
  return ask(`/api/v1/samples?${query}`, { signal: either(signal, TIMEOUT_MS) });
}

/**
 * @param {string} id
 * @param {AbortSignal} signal
 * @returns {Promise<Sample>}
 */
export function findSample(id, signal) {
  return ask(`/api/v1/samples/${encodeURIComponent(id)}`, { signal: either(signal, TIMEOUT_MS) });
}

/**
 * @param {string} id
 * @param {AbortSignal} signal
 * @returns {Promise<Sample | undefined>} nothing where it is gone
 */
export async function findIfKept(id, signal) {
  try {
    return await findSample(id, signal);
  } catch (error) {
    if (error instanceof Problem && error.status === 404) return undefined;
    throw error;
  }
}

/**
 * @param {string} id
 * @param {number} [size] longest side, pixels; 0: as it is stored
 */
export function imageOf(id, size = 0) {
  return `/api/v1/samples/${id}/image${size ? `?size=${size}` : ''}`;
}

/**
 * @param {'edits' | 'undo' | 'redo'} what
 * @param {Edit | {}} body
 * @param {number} revision that the person has seen; 0: any
 * @returns {Promise<Edited>}
 */
export function change(what, body, revision) {
  return ask(`/api/v1/${what}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ ...body, expected_revision: revision }),
    signal: AbortSignal.timeout(EDIT_TIMEOUT_MS),
  });
}

/**
 * @param {string} path
 * @param {RequestInit} init
 */
async function ask(path, init) {
  const response = await fetch(path, init);
  if (!response.ok) throw await problemOf(response);
  return response.json();
}

/**
 * `AbortSignal.any` is younger than some browsers on phones.
 *
 * @param {AbortSignal} signal
 * @param {number} limit_ms
 */
function either(signal, limit_ms) {
  const both = new AbortController();
  const abort = () => both.abort();
  signal.addEventListener('abort', abort, { once: true });
  AbortSignal.timeout(limit_ms).addEventListener('abort', abort, { once: true });
  if (signal.aborted) abort();
  return both.signal;
}
