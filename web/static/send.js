/** The card "Camera of this device": which one, and whether it is sent to the robot. */

import { byId, make, setText } from './dom.js';
import { Sender } from './sender.js';

const HINT = 'The robot sees what this camera sees.';
const NAMES = {
  off: 'not sending',
  starting: 'starting…',
  sending: 'sending',
  still: 'no pictures',
  lost: 'trying again…',
};

export function sendPanel() {
  const choice = byId('send-camera', HTMLSelectElement);
  const button = byId('send', HTMLButtonElement);
  const takeOver = byId('take-over', HTMLButtonElement);
  const note = byId('send-note', HTMLElement);
  /** @type {import('./sender.js').Sending} */
  let state = 'off';

  const sender = new Sender((now, text) => {
    if (now === 'sending' && state !== now) void list(); // their names are known only now
    state = now;
    takeOver.hidden = true;
    setText(byId('send-meta', HTMLElement), NAMES[now]);
    setText(byId('send-stats', HTMLElement), now === 'sending' ? text : '–');
    setText(note, now === 'sending' ? '' : text);
    setText(button, now === 'off' ? 'Send to the robot' : 'Stop');
  }, () => {
    setText(note, 'Another page is sending: take over?');
    takeOver.hidden = false;
    takeOver.focus();
  });
  const list = () => listCameras(choice, button, sender.device);

  button.addEventListener('click', () => {
    if (state === 'off') void sender.start(choice.value, false);
    else sender.stop();
  });
  takeOver.addEventListener('click', () => {
    button.focus(); // the other one goes away
    void sender.start(choice.value, true);
  });
  choice.addEventListener('change', () => {
    if (state !== 'off') void sender.change(choice.value);
  });
  byId('device', HTMLDetailsElement).addEventListener('toggle', () => void list());
  navigator.mediaDevices?.addEventListener('devicechange', () => void list());
  window.addEventListener('pagehide', () => sender.stop());
}

/**
 * @param {HTMLSelectElement} choice
 * @param {HTMLButtonElement} button
 * @param {string} used the camera that is sent; empty: none
 */
async function listCameras(choice, button, used) {
  const missing = whatIsMissing();
  const devices = missing ? [] : await navigator.mediaDevices.enumerateDevices();
  const cameras = devices.filter((device) => device.kind === 'videoinput');
  choice.disabled = button.disabled = cameras.length === 0;
  setText(byId('send-hint', HTMLElement),
    cameras.length ? HINT : missing || 'This device has no camera.');
  const wanted = used || choice.value;
  choice.replaceChildren(...cameras.map((camera, index) => {
    const option = make('option', '', camera.label || `Camera ${index + 1}`);
    option.value = camera.deviceId;
    option.selected = camera.deviceId === wanted;
    return option;
  }));
}

function whatIsMissing() {
  if (!('RTCPeerConnection' in window)) return 'This browser has no WebRTC.';
  // Also where the page is neither of localhost nor over HTTPS.
  if (!navigator.mediaDevices) {
    return 'The browser gives this page no camera: pages get one over HTTPS and on localhost only.';
  }
  return '';
}
