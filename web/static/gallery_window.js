/** Where each image of the gallery is, and which of them are in sight. Arithmetic only; pixels. */

const GAP = 8;
const CAPTION = 24;
/** An image is at least so wide where two fit beside each other. */
const SMALLEST = 128;

/**
 * @typedef {object} Grid
 * @property {number} total images
 * @property {number} columns
 * @property {number} cell width of an image, which is square
 * @property {number} row height of a row with its gap
 *
 * @typedef {{first: number, end: number}} Span of indices; `end` is not in it
 */

/**
 * @param {number} width
 * @param {number} total
 * @returns {Grid}
 */
export function gridOf(width, total) {
  const columns = Math.max(2, Math.floor((width + GAP) / (SMALLEST + GAP)));
  const cell = Math.max(1, Math.floor((width - GAP * (columns - 1)) / columns));
  return { total, columns, cell, row: cell + CAPTION + GAP };
}

/** @param {Grid} grid */
export function heightOf(grid) {
  return Math.max(0, Math.ceil(grid.total / grid.columns) * grid.row - GAP);
}

/**
 * @param {Grid} grid
 * @param {number} index
 */
export function placeOf(grid, index) {
  return {
    x: (index % grid.columns) * (grid.cell + GAP),
    y: Math.floor(index / grid.columns) * grid.row,
  };
}

/**
 * @param {Grid} grid
 * @param {number} top how far it is scrolled
 * @param {number} height of what is seen
 * @param {number} spare rows more above and below
 * @returns {Span}
 */
export function inSight(grid, top, height, spare) {
  const first = Math.max(0, Math.floor(top / grid.row) - spare) * grid.columns;
  const rows = Math.ceil((top + height) / grid.row) + spare;
  return { first: Math.min(first, grid.total), end: Math.min(rows * grid.columns, grid.total) };
}

/**
 * @param {Grid} grid
 * @param {number} index
 * @param {number} top
 * @param {number} height
 * @returns {number} how far to scroll so that the image is seen whole
 */
export function scrolledTo(grid, index, top, height) {
  const { y } = placeOf(grid, index);
  if (y < top) return y;
  return Math.max(top, y + grid.row - GAP - height);
}

/**
 * @param {string} key
 * @param {number} index
 * @param {Grid} grid
 * @param {number} height of what is seen
 * @returns {number | undefined} where the key leads; undefined: nowhere
 */
export function stepTo(key, index, grid, height) {
  const { columns, total, row } = grid;
  const page = Math.max(1, Math.floor(height / row)) * columns;
  /** @type {Record<string, number>} */
  const targets = {
    ArrowLeft: index - 1, ArrowRight: index + 1, Home: 0, End: total - 1,
    // At an edge they stay in their column.
    ArrowUp: index < columns ? index : index - columns,
    ArrowDown: index + columns < total || onLastRow(index, grid) ? index + columns : total - 1,
    PageUp: index < page ? index % columns : index - page,
    PageDown: index + page,
  };
  const target = targets[key];
  if (target === undefined || total === 0) return undefined;
  if (key === 'ArrowDown' && target >= total) return index;
  return Math.min(Math.max(target, 0), total - 1);
}

/**
 * @param {number} index
 * @param {Grid} grid
 */
function onLastRow(index, { columns, total }) {
  return Math.floor(index / columns) === Math.floor((total - 1) / columns);
}
