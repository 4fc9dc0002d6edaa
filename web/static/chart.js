/** A small chart. Its colours are in charts.css; heads and epochs differ in shape too. */

import { scale, ticks } from './chart_scale.js';

/** @typedef {import('./curves_series.js').Mark} Mark */

const [WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM] = [340, 110, 40, 8, 8, 8];
const STEPS = 3;
/** More marks than this are drawn small. */
const MANY = 40;

export class Chart {
  #svg = draw('svg', { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: 'img' });
  #grid = draw('path', { class: 'grid' });
  #line = draw('path', { class: 'line' });
  #epochs = draw('path', { class: 'epochs' });
  #heads = draw('path', { class: 'heads' });
  #numbers = draw('g', {});

  /** @param {HTMLElement} place */
  constructor(place) {
    this.#svg.append(this.#grid, this.#numbers, this.#line, this.#epochs, this.#heads);
    place.append(this.#svg);
  }

  /**
   * @param {{heads: Mark[], runs: Mark[][]}} shown at least one mark
   * @param {number} count of places from left to right
   * @param {(value: number) => string} format
   * @param {string} text for who does not see it
   */
  show({ heads, runs }, count, format, text) {
    const epochs = runs.flat();
    const values = [...heads, ...epochs].map(({ value }) => value);
    const steps = ticks(Math.min(...values), Math.max(...values), STEPS);
    const x = scale(0, count - 1, LEFT + 4, WIDTH - RIGHT - 4);
    const y = scale(steps[0] ?? 0, steps.at(-1) ?? 1, HEIGHT - BOTTOM, TOP);
    /** @param {Mark} mark @returns {[number, number]} */
    const place = ({ at, value }) => [x(at), y(value)];
    const size = count > MANY ? 1.5 : 3;
    this.#svg.setAttribute('aria-label', text);
    this.#grid.setAttribute('d',
      steps.map((step) => `M${LEFT} ${y(step)}H${WIDTH - RIGHT}`).join(''));
    this.#line.setAttribute('d', runs.map((run) => `M${run.map((mark) => place(mark).join(' '))
      .join('L')}`).join(''));
    this.#epochs.setAttribute('d', epochs.map((mark) => disc(...place(mark), size)).join(''));
    this.#heads.setAttribute('d',
      heads.map((mark) => diamond(...place(mark), 1.5 * size)).join(''));
    this.#numbers.replaceChildren(...steps.map((step) => {
      const number = draw('text', { x: LEFT - 6, y: y(step) + 4 });
      number.textContent = format(step);
      return number;
    }));
  }
}

/**
 * @param {string} name
 * @param {Record<string, string | number>} attributes
 */
function draw(name, attributes) {
  const element = document.createElementNS('http://www.w3.org/2000/svg', name);
  Object.entries(attributes).forEach(([key, value]) => element.setAttribute(key, String(value)));
  return element;
}

/**
 * @param {number} x
 * @param {number} y
 * @param {number} radius
 */
function disc(x, y, radius) {
  const half = `a${radius} ${radius} 0 0 1`;
  return `M${x - radius} ${y}${half} ${2 * radius} 0${half} ${-2 * radius} 0`;
}

/**
 * @param {number} x
 * @param {number} y
 * @param {number} radius
 */
function diamond(x, y, radius) {
  return `M${x - radius} ${y}l${radius} ${-radius} ${radius} ${radius} ${-radius} ${radius}z`;
}
