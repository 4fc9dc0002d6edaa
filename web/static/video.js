/** The live video: newest image only, connected again whenever it is lost. */

import { problemOf, reason } from './api.js';
import { Multipart } from './multipart.js';

const RETRY_MS = 1_500;
const STALE_MS = 3_000;

export class Video {
  /** @type {AbortController | undefined} */
  #wanted;
  /** @type {Uint8Array<ArrayBuffer> | undefined} */
  #newest;
  #drawing = false;
  #staleTimer = 0;

  /**
   * @param {HTMLCanvasElement} canvas
   * @param {(problem: string) => void} onStatus empty: images come in
   */
  constructor(canvas, onStatus) {
    this.canvas = canvas;
    this.onStatus = onStatus;
  }

  start() {
    if (this.#wanted) return;
    this.#wanted = new AbortController();
    void this.#keepPlaying(this.#wanted.signal);
  }

  stop() {
    this.#wanted?.abort();
    this.#wanted = undefined;
    window.clearTimeout(this.#staleTimer);
  }

  /** @param {AbortSignal} signal */
  async #keepPlaying(signal) {
    while (!signal.aborted) {
      let problem = 'The camera sends no images.';
      try {
        await this.#play(signal);
      } catch (error) {
        problem = reason(error);
      }
      if (signal.aborted) return;
      this.onStatus(problem);
      await new Promise((resolve) => window.setTimeout(resolve, RETRY_MS));
    }
  }

  /** @param {AbortSignal} signal */
  async #play(signal) {
    const response = await fetch('/video.mjpeg', { signal });
    if (!response.ok || !response.body) throw await problemOf(response);
    const parser = new Multipart();
    const reader = response.body.getReader();
    this.#watch();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const image = parser.push(value).at(-1);
      if (image) this.#take(image);
    }
  }

  /** @param {Uint8Array<ArrayBuffer>} image */
  #take(image) {
    this.#newest = image;
    this.#watch();
    if (!this.#drawing) void this.#draw();
  }

  /** Draw until there is no newer image: decoding may be slower than the camera. */
  async #draw() {
    this.#drawing = true;
    while (this.#newest) {
      const blob = new Blob([this.#newest], { type: 'image/jpeg' });
      this.#newest = undefined;
      try {
        const bitmap = await createImageBitmap(blob);
        this.#show(bitmap);
        bitmap.close();
      } catch {
        continue; // one damaged image; the next one follows
      }
    }
    this.#drawing = false;
  }

  /** @param {ImageBitmap} bitmap */
  #show(bitmap) {
    const { canvas } = this;
    if (canvas.width !== bitmap.width || canvas.height !== bitmap.height) {
      canvas.width = bitmap.width;
      canvas.height = bitmap.height;
      canvas.parentElement?.style.setProperty('--ratio', String(bitmap.width / bitmap.height));
    }
    canvas.getContext('2d')?.drawImage(bitmap, 0, 0);
    this.onStatus('');
  }

  #watch() {
    window.clearTimeout(this.#staleTimer);
    this.#staleTimer = window.setTimeout(
      () => this.onStatus('The camera sends no images.'), STALE_MS);
  }
}
