/** Calls to the server. */

/** An answer that says what is wrong. */
export class Problem extends Error {
  /**
   * @param {number} status
   * @param {string} detail
   */
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}

const TIMEOUT_MS = 10_000;

/**
 * @param {string} path
 * @param {boolean | number | string} value
 * @param {{keepalive?: boolean}} [options] keepalive: also while the page goes away
 */
export async function put(path, value, options = {}) {
  await send('PUT', path, value, options);
}

/**
 * @param {string} path
 * @param {string} value
 */
export async function post(path, value) {
  await send('POST', path, value, {});
}

/**
 * @param {string} method
 * @param {string} path
 * @param {boolean | number | string} value
 * @param {{keepalive?: boolean}} options
 */
async function send(method, path, value, options) {
  await call(path, {
    method,
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(value),
    keepalive: options.keepalive ?? false,
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
}

/**
 * @param {string} path
 * @returns {Promise<any>} the JSON value there
 */
export async function get(path) {
  const response = await call(path, { signal: AbortSignal.timeout(TIMEOUT_MS) });
  return response.json();
}

/**
 * @param {File} file
 * @param {string[]} tags
 */
export async function upload(file, tags) {
  const form = new FormData();
  form.append('tags', tags.join(','));
  form.append('file', file);
  await call('/dataset/upload', { method: 'POST', body: form });
}

/**
 * @param {unknown} error
 * @returns {string} what went wrong, for a person
 */
export function reason(error) {
  if (error instanceof Problem) return error.message;
  return 'The server does not answer.';
}

/**
 * @param {Response} response
 * @returns {Promise<Problem>}
 */
export async function problemOf(response) {
  try {
    const body = await response.json();
    return new Problem(response.status, String(body.detail));
  } catch {
    return new Problem(response.status, `The server answered ${response.status}.`);
  }
}

/**
 * @param {string} path
 * @param {RequestInit} init
 */
async function call(path, init) {
  const response = await fetch(path, init);
  if (!response.ok) throw await problemOf(response);
  return response;
}
