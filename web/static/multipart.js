/** Takes the images out of a multipart/x-mixed-replace stream. */

const LIMIT = 64 * 1024 * 1024;
const HEAD_LIMIT = 4096;
const LINE_FEED = 10;

export class Multipart {
  #buffer = new Uint8Array(0);

  /**
   * @param {Uint8Array<ArrayBuffer>} chunk
   * @returns {Uint8Array<ArrayBuffer>[]} images that are complete now
   */
  push(chunk) {
    const joined = new Uint8Array(this.#buffer.length + chunk.length);
    joined.set(this.#buffer);
    joined.set(chunk, this.#buffer.length);
    this.#buffer = joined;
    const images = [];
    for (let image = this.#next(); image; image = this.#next()) images.push(image);
    return images;
  }

  #next() {
    const start = endOfHead(this.#buffer);
    if (start < 0) {
      if (this.#buffer.length > HEAD_LIMIT) throw new Error('a part without a head');
      return undefined;
    }
    const head = new TextDecoder().decode(this.#buffer.subarray(0, start));
    const length = Number(/content-length: *(\d+)/i.exec(head)?.[1]);
    if (!(length <= LIMIT)) throw new Error('a part without a usable length');
    if (this.#buffer.length < start + length) return undefined;
    const image = this.#buffer.slice(start, start + length);
    this.#buffer = this.#buffer.slice(start + length);
    return image;
  }
}

/**
 * @param {Uint8Array} bytes
 * @returns {number} index behind the empty line that ends a head, or -1
 */
function endOfHead(bytes) {
  const last = Math.min(bytes.length, HEAD_LIMIT) - 2;
  for (let at = 1; at < last; at += 1) {
    // The line break in front of a boundary is one line feed, the end of the head two.
    if (bytes[at] === LINE_FEED && bytes[at + 2] === LINE_FEED) return at + 3;
  }
  return -1;
}
