/** Sends a camera of this device to the robot (WHIP): connected again until it is told to stop. */

import { Problem, reason } from './api.js';
import { Meter } from './meter.js';
import { Peer, pause } from './peer.js';

/** Between looks, while there is nothing yet. */
const FIRST_MS = 100;
const LOOK_MS = 1_000;
const LOST_MS = 2_500;
const STILL_MS = 4_000;
const NO_PICTURES = 'No pictures come from this camera: choose another one.';
const WAITS_MS = [500, 1_000, 3_000, 10_000];
/** What the robot's camera node makes of any size unless told otherwise. */
const WANTED = { width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 30 } };

/** @typedef {'off' | 'starting' | 'sending' | 'still' | 'lost'} Sending */

export class Sender {
  /** @type {AbortController | undefined} */
  #wanted;
  /** @type {MediaStreamTrack | undefined} */
  #track;
  /** @type {Peer | undefined} */
  #peer;
  #opened = 0;

  /**
   * @param {(state: Sending, text: string) => void} onState text: figures, or what went wrong
   * @param {() => void} onTaken another one sends, and would have to be ended
   */
  constructor(onState, onTaken) {
    this.onState = onState;
    this.onTaken = onTaken;
  }

  /** @returns {string} the camera in use */
  get device() {
    return this.#track?.getSettings().deviceId ?? '';
  }

  /**
   * @param {string} device empty: any camera
   * @param {boolean} takeOver end another sender
   */
  async start(device, takeOver) {
    this.stop();
    this.#wanted = new AbortController();
    const { signal } = this.#wanted;
    this.onState('starting', '');
    if (await this.#open(device, signal)) await this.#keepSending(takeOver, signal);
  }

  stop() {
    this.#end('');
  }

  /**
   * Go on with another camera, in the same session.
   *
   * @param {string} device
   */
  async change(device) {
    const signal = this.#wanted?.signal;
    this.#track?.stop(); // phones open one camera at a time
    if (!signal || !await this.#open(device, signal)) return;
    await this.#peer?.pc.getSenders()[0]?.replaceTrack(this.#track ?? null).catch(() => {});
  }

  /** @param {string} problem */
  #end(problem) {
    this.#wanted?.abort();
    this.#wanted = undefined;
    this.#track?.stop();
    this.#track = undefined;
    this.onState('off', problem);
  }

  /**
   * @param {string} device
   * @param {AbortSignal} signal
   * @returns {Promise<boolean>} whether the camera is open, and still wanted
   */
  async #open(device, signal) {
    const video = device ? { ...WANTED, deviceId: { exact: device } } : WANTED;
    const turn = this.#opened += 1;
    const isWanted = () => !signal.aborted && turn === this.#opened;
    try {
      const stream = await navigator.mediaDevices.getUserMedia({ video });
      const [track] = stream.getVideoTracks();
      if (!isWanted()) track?.stop();
      if (!isWanted() || !track) return false;
      this.#track = track;
      track.addEventListener('ended', () => {
        if (this.#track === track) this.#end('The camera is gone.');
      });
      return true;
    } catch (error) {
      if (isWanted()) this.#end(whyNot(error));
      return false;
    }
  }

  /**
   * @param {boolean} takeOver
   * @param {AbortSignal} signal
   */
  async #keepSending(takeOver, signal) {
    let failures = 0;
    let path = takeOver ? '/whip?take_over=1' : '/whip';
    while (!signal.aborted) {
      const sent = await this.#send(path, signal);
      if (sent) path = '/whip'; // never again at the cost of another one
      failures = sent ? 0 : Math.min(failures + 1, WAITS_MS.length - 1);
      await pause(WAITS_MS[failures] ?? 0, signal);
    }
  }

  /**
   * @param {string} path
   * @param {AbortSignal} signal
   * @returns {Promise<boolean>} whether pictures went out
   */
  async #send(path, signal) {
    const peer = this.#peer = new Peer();
    const meter = new Meter();
    const hangUp = () => peer.close();
    signal.addEventListener('abort', hangUp);
    try {
      const { sender } = peer.pc.addTransceiver(this.#track ?? 'video', { direction: 'sendonly' });
      await keepSize(sender);
      await peer.connect(path);
      await this.#follow(peer, meter, signal);
      if (!signal.aborted) this.onState('lost', 'The connection was lost.');
    } catch (error) {
      if (!signal.aborted) this.#refused(error);
    }
    signal.removeEventListener('abort', hangUp);
    peer.close();
    return meter.frames > 0;
  }

  /**
   * @param {Peer} peer
   * @param {Meter} meter
   * @param {AbortSignal} signal
   */
  async #follow(peer, meter, signal) {
    let connected_ms = performance.now();
    let newest_ms = connected_ms;
    while (!signal.aborted && !peer.ended) {
      const before = meter.frames;
      const text = await meter.read(peer.pc);
      if (meter.frames > before) newest_ms = performance.now();
      if (peer.pc.connectionState === 'connected') {
        connected_ms = performance.now();
        if (connected_ms - newest_ms > STILL_MS) this.onState('still', NO_PICTURES);
        else this.onState('sending', text);
      } else if (performance.now() - connected_ms > LOST_MS) return;
      await pause(meter.frames ? LOOK_MS : FIRST_MS, signal);
    }
  }

  /** @param {unknown} error */
  #refused(error) {
    if (!(error instanceof Problem) || error.status >= 500) {
      this.onState('lost', reason(error));
      return;
    }
    this.#end(error.message);
    if (error.status === 409) this.onTaken();
  }
}

/**
 * Fewer pictures when the network or the device is slow, not smaller ones: they are to be learned.
 *
 * @param {RTCRtpSender} sender
 */
async function keepSize(sender) {
  const parameters = sender.getParameters();
  parameters.degradationPreference = 'maintain-resolution';
  await sender.setParameters(parameters).catch(() => {}); // not known to every browser
}

/** @param {unknown} error of getUserMedia */
function whyNot(error) {
  switch (error instanceof DOMException ? error.name : '') {
    case 'NotAllowedError':
      return 'The browser may not use the camera: allow it for this page, then send again.';
    case 'NotFoundError':
    case 'OverconstrainedError':
      return 'This camera is not there.';
    case 'NotReadableError':
      return 'The camera cannot be opened: another program may use it.';
    default:
      return `The camera cannot be opened: ${error}`;
  }
}
