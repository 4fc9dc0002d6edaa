/** The live video by WebRTC (WHEP): tried again, ever more rarely, whenever it does not work. */

import { Problem, reason } from './api.js';
import { Meter } from './meter.js';
import { Peer, pause } from './peer.js';

/** Between looks, while there is nothing yet. */
const FIRST_MS = 100;
const LOOK_MS = 500;
const STALE_MS = 2_000;
const LOST_MS = 6_000;
const WAITS_MS = [500, 1_000, 3_000, 10_000, 30_000];

export class Live {
  /** @type {AbortController | undefined} */
  #wanted;

  /**
   * @param {HTMLVideoElement} element
   * @param {(playing: boolean) => void} onPlaying whether `element` shows the camera
   * @param {(stale: boolean) => void} onStale whether it shows an old picture, while playing
   * @param {(text: string) => void} onStats a line for people; also why it does not play
   */
  constructor(element, onPlaying, onStale, onStats) {
    this.element = element;
    this.onPlaying = onPlaying;
    this.onStale = onStale;
    this.onStats = onStats;
  }

  start() {
    if (this.#wanted || !('RTCPeerConnection' in window)) return;
    this.#wanted = new AbortController();
    void this.#keepPlaying(this.#wanted.signal);
  }

  stop() {
    this.#wanted?.abort();
    this.#wanted = undefined;
  }

  /** @param {AbortSignal} signal */
  async #keepPlaying(signal) {
    let failures = 0;
    while (!signal.aborted) {
      const played = await this.#play(signal);
      failures = played ? 0 : Math.min(failures + 1, WAITS_MS.length - 1);
      await pause(WAITS_MS[failures] ?? 0, signal);
    }
  }

  /**
   * @param {AbortSignal} signal
   * @returns {Promise<boolean>} whether pictures came
   */
  async #play(signal) {
    const peer = new Peer();
    const meter = new Meter();
    const hangUp = () => peer.close();
    signal.addEventListener('abort', hangUp);
    try {
      peer.pc.addEventListener('track', ({ track, receiver }) => {
        receiver.jitterBufferTarget = 0; // the newest picture, not the smoothest
        this.element.srcObject = new MediaStream([track]);
      });
      peer.pc.addTransceiver('video', { direction: 'recvonly' });
      await peer.connect('/whep');
      await this.#follow(peer, meter, signal);
      if (!meter.frames) throw new Problem(0, 'nothing came through.');
    } catch (error) {
      if (!signal.aborted) this.onStats(`not by WebRTC: ${reason(error)}`);
    }
    signal.removeEventListener('abort', hangUp);
    peer.close();
    this.element.srcObject = null;
    if (meter.frames) this.onPlaying(false);
    return meter.frames > 0;
  }

  /**
   * Return when it is over, or when no pictures came for long.
   *
   * @param {Peer} peer
   * @param {Meter} meter
   * @param {AbortSignal} signal
   */
  async #follow(peer, meter, signal) {
    let newest_ms = performance.now();
    while (!signal.aborted && !peer.ended) {
      const before = meter.frames;
      const text = await meter.read(peer.pc);
      if (meter.frames > before) newest_ms = performance.now();
      const age_ms = performance.now() - newest_ms;
      if (age_ms > LOST_MS) return;
      if (meter.frames) {
        if (before === 0) this.onPlaying(true);
        this.onStale(age_ms > STALE_MS);
        this.onStats(text);
      }
      await pause(meter.frames ? LOOK_MS : FIRST_MS, signal);
    }
  }
}
