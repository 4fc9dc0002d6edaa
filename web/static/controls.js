/** Switches and sliders: they show what the node does, not what was asked of it. */

import { put } from './api.js';

const GAP_MS = 120;
/** How long what was asked is shown before the node's answer must have come. */
const SETTLE_MS = 1_500;

/**
 * @param {HTMLInputElement} box
 * @param {string} path
 * @param {(error: unknown) => void} onProblem
 * @returns {(on: boolean, online: boolean) => void} shows what the node says
 */
export function bindSwitch(box, path, onProblem) {
  let actual = false;
  let asked = 0;
  const settle = () => {
    asked = 0;
    box.checked = actual;
  };
  box.addEventListener('change', () => {
    window.clearTimeout(asked);
    asked = window.setTimeout(settle, SETTLE_MS);
    put(path, box.checked).catch((error) => {
      window.clearTimeout(asked);
      settle();
      onProblem(error);
    });
  });
  return (on, online) => {
    actual = on;
    box.disabled = !online;
    if (!asked) box.checked = on;
  };
}

/**
 * @param {HTMLInputElement} slider
 * @param {string} path
 * @param {(value: number) => void} onInput shows the value that the slider stands at
 * @param {(error: unknown) => void} onProblem
 * @returns {(value: number, online: boolean) => boolean} moves the slider to what the node says;
 *   false while a person moves it
 */
export function bindSlider(slider, path, onInput, onProblem) {
  let busyUntil = 0;
  let timer = 0;
  let sending = Promise.resolve();
  const send = () => {
    timer = 0;
    const value = slider.valueAsNumber;
    sending = sending.then(() => put(path, value)).catch((error) => {
      busyUntil = 0;
      onProblem(error);
    });
  };
  slider.addEventListener('input', () => {
    busyUntil = performance.now() + SETTLE_MS;
    onInput(slider.valueAsNumber);
    if (!timer) timer = window.setTimeout(send, GAP_MS);
  });
  return (value, online) => {
    slider.disabled = !online;
    if (performance.now() < busyUntil) return false;
    slider.value = String(value);
    return true;
  };
}
