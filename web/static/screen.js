/** The live video: by WebRTC while that works, else as a stream of JPEG images. */

import { byId, setText } from './dom.js';
import { Live } from './live.js';
import { Video } from './video.js';

const WAITING = 'Waiting for the camera…';
const NOTHING = 'The camera sends no images.';
const IMAGES = 'JPEG images';

export class Screen {
  #canvas = byId('frame', HTMLCanvasElement);
  #element = byId('live', HTMLVideoElement);
  #visible = false;
  #why = '';

  constructor() {
    const stats = byId('watch-stats', HTMLElement);
    this.video = new Video(this.#canvas, (problem) => {
      if (!this.#element.hidden) return; // one last image
      this.#note(problem);
      setText(stats, this.#why ? `${IMAGES} · ${this.#why}` : IMAGES);
    });
    this.live = new Live(this.#element, (playing) => this.#choose(playing),
      (stale) => this.#note(stale ? NOTHING : ''),
      (text) => {
        if (this.#element.hidden) this.#why = text;
        else setText(stats, `WebRTC · ${text}`);
      });
    this.#element.addEventListener('resize', () => {
      const { videoWidth, videoHeight } = this.#element;
      const ratio = String(videoWidth / videoHeight || 4 / 3);
      this.#element.parentElement?.style.setProperty('--ratio', ratio);
    });
  }

  start() {
    this.#visible = true;
    this.video.start();
    this.live.start();
  }

  stop() {
    this.#visible = false;
    this.live.stop();
    this.#choose(false);
    this.video.stop();
  }

  /** @param {boolean} live */
  #choose(live) {
    this.#element.hidden = !live;
    this.#canvas.hidden = live;
    this.#why = '';
    this.#note(live ? '' : WAITING);
    if (live) {
      void this.#element.play().catch(() => {}); // some browsers stop what is hidden
      this.video.stop();
    } else if (this.#visible) this.video.start();
  }

  /** @param {string} text empty: what is shown is the camera */
  #note(text) {
    const note = byId('video-note', HTMLElement);
    note.hidden = text === '';
    setText(note, text);
  }
}
