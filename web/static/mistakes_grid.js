/** The confusion matrix: cells are buttons, and arrow keys go from one to the next. */

import { make } from './dom.js';

/** @type {Record<string, [number, number]>} down, right */
const STEPS = { ArrowDown: [1, 0], ArrowUp: [-1, 0], ArrowRight: [0, 1], ArrowLeft: [0, -1] };

export class MistakesGrid {
  #table;
  #onCell;
  #drawn = '';

  /**
   * @param {HTMLTableElement} table
   * @param {(truth: string, answer: string) => void} onCell
   */
  constructor(table, onCell) {
    this.#table = table;
    this.#onCell = onCell;
    table.addEventListener('keydown', (event) => this.#walk(event));
  }

  /**
   * @param {string[]} labels
   * @param {number[][]} confusion rows true, columns answered
   */
  show(labels, confusion) {
    const drawn = JSON.stringify([labels, confusion]);
    if (drawn === this.#drawn) return;
    this.#drawn = drawn;
    const held = document.activeElement?.closest('td');
    const place = held && this.#table.contains(held)
      ? [/** @type {HTMLTableRowElement} */ (held.parentElement).rowIndex, held.cellIndex] : null;
    const [head, body] = [make('thead'), make('tbody')];
    head.append(this.#headRow(labels));
    body.append(...labels.map((truth, row) => this.#row(truth, labels, confusion[row] ?? [])));
    this.#table.tHead?.replaceWith(head);
    this.#table.tBodies[0]?.replaceWith(body);
    const first = this.#table.querySelector('td button');
    const again = place && this.#table.rows[place[0] ?? 0]?.cells[place[1] ?? 0]
      ?.querySelector('button');
    if (first instanceof HTMLElement) first.tabIndex = 0;
    if (again) this.#focus(again);
  }

  /** @param {string[]} labels */
  #headRow(labels) {
    const row = make('tr');
    const corner = make('td', 'corner', 'true ↓ answer →');
    row.append(corner, ...labels.map((label) => header(label, 'col')));
    return row;
  }

  /**
   * @param {string} truth
   * @param {string[]} labels
   * @param {number[]} counts
   */
  #row(truth, labels, counts) {
    const row = make('tr');
    const all = counts.reduce((sum, count) => sum + count, 0);
    row.append(header(truth, 'row'), ...labels.map((answer, column) => {
      const count = counts[column] ?? 0;
      const cell = make('td', answer === truth ? 'right' : '', count ? '' : '0');
      cell.style.setProperty('--share', String(all ? count / all : 0));
      if (count) cell.append(this.#button(truth, answer, count));
      return cell;
    }));
    return row;
  }

  /**
   * @param {string} truth
   * @param {string} answer
   * @param {number} count
   */
  #button(truth, answer, count) {
    const button = make('button', 'cell', String(count));
    button.type = 'button';
    button.tabIndex = -1;
    button.ariaLabel = answer === truth ? `${count} images of ${truth} answered right: show them`
      : `${count} images of ${truth} answered ${answer}: show them`;
    button.addEventListener('click', () => this.#onCell(truth, answer));
    return button;
  }

  /** @param {KeyboardEvent} event */
  #walk(event) {
    const [down, right] = STEPS[event.key] ?? [0, 0];
    const cell = event.target instanceof Element && event.target.closest('td');
    if (!cell || (!down && !right)) return;
    event.preventDefault();
    let row = /** @type {HTMLTableRowElement} */ (cell.parentElement).rowIndex + down;
    let column = cell.cellIndex + right;
    for (let next; (next = this.#table.rows[row]?.cells[column]); row += down, column += right) {
      const button = next.querySelector('button');
      if (button) return this.#focus(button);
    }
  }

  /** @param {HTMLElement} button the one that Tab stops at from now on */
  #focus(button) {
    const before = this.#table.querySelector('button[tabindex="0"]');
    if (before instanceof HTMLElement) before.tabIndex = -1;
    button.tabIndex = 0;
    button.focus();
  }
}

/**
 * @param {string} label
 * @param {'row' | 'col'} scope
 */
function header(label, scope) {
  const cell = make('th');
  cell.scope = scope;
  cell.title = label;
  cell.append(make('span', 'name', label));
  return cell;
}
