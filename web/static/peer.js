/** A WebRTC connection to the robot, opened over HTTP: WHIP (RFC 9725) sends, WHEP plays. */

import { Problem, problemOf } from './api.js';

const ANSWER_MS = 15_000;
/** Own addresses are found at once; longer waiting is for servers that do not answer. */
const GATHER_MS = 1_000;
const START_KBPS = 1_500;

export class Peer {
  pc = new RTCPeerConnection();
  #session = '';

  /**
   * Offer what `pc` holds and take the robot's answer. Call `close` in any case.
   *
   * @param {string} endpoint
   */
  async connect(endpoint) {
    await this.pc.setLocalDescription();
    await gathered(this.pc);
    const response = await fetch(endpoint, {
      method: 'POST',
      headers: { 'Content-Type': 'application/sdp' },
      body: this.pc.localDescription?.sdp ?? '',
      signal: AbortSignal.timeout(ANSWER_MS),
    });
    if (!response.ok) throw await problemOf(response);
    this.#session = response.headers.get('Location') ?? '';
    const sdp = eager(await response.text());
    await this.pc.setRemoteDescription({ type: 'answer', sdp }).catch((error) => {
      throw new Problem(0, `The browser cannot use the robot's answer: ${error.message}`);
    });
  }

  /** Whether it is over for good: failed, or the robot has hung up. */
  get ended() {
    return ['failed', 'closed'].includes(this.pc.connectionState)
      || this.pc.getTransceivers().some(({ sender }) => sender.transport?.state === 'closed');
  }

  /** End the session, also while the page goes away. May be called again. */
  close() {
    this.pc.close();
    const session = this.#session;
    this.#session = '';
    // Not answered: the robot notices by itself, only later.
    if (session) void fetch(session, { method: 'DELETE', keepalive: true }).catch(() => {});
  }
}

/**
 * @param {number} delay_ms
 * @param {AbortSignal} signal
 * @returns {Promise<void>} resolved after the time, or at once when aborted
 */
export function pause(delay_ms, signal) {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const timer = window.setTimeout(done, delay_ms);
    signal.addEventListener('abort', done);
    function done() {
      window.clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    }
  });
}

/**
 * Let Chromium start with a good picture: it begins at 300 kbit/s and takes half a minute to rise.
 * Others do not know the word.
 *
 * @param {string} sdp
 */
export function eager(sdp) {
  return sdp.replace(/^a=rtpmap:(\d+) VP8.*\r\n/gm,
    `$&a=fmtp:$1 x-google-start-bitrate=${START_KBPS}\r\n`);
}

/**
 * @param {RTCPeerConnection} pc
 * @returns {Promise<void>} resolved when the offer names all addresses
 */
function gathered(pc) {
  return new Promise((resolve) => {
    const look = () => {
      if (pc.iceGatheringState === 'complete') resolve();
    };
    pc.addEventListener('icegatheringstatechange', look);
    window.setTimeout(resolve, GATHER_MS);
    look();
  });
}
