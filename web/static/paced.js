/** Loading that is neither too often nor in vain. */

/**
 * @param {() => Promise<void>} load must not fail
 * @param {number} gapMs from the end of one to the begin of the next, at least
 * @returns {() => void} ask for it: at once, or when the gap is over; once, however often asked
 */
export function paced(load, gapMs) {
  let wanted = false;
  let busy = false;
  async function work() {
    busy = true;
    while (wanted) {
      wanted = false;
      await load();
      await new Promise((resolve) => setTimeout(resolve, gapMs));
    }
    busy = false;
  }
  return () => {
    wanted = true;
    if (!busy) void work();
  };
}

/**
 * Load what a card shows while it is open and in sight, whenever what it depends on has changed.
 *
 * @param {HTMLDetailsElement} card
 * @param {() => Promise<void>} load must not fail
 * @param {number} gapMs as for `paced`
 * @returns {(state: string) => void} tell what it depends on now
 */
export function whileOpen(card, load, gapMs) {
  let now = '';
  let loaded = '';
  let inSight = false;
  const ask = paced(() => {
    loaded = now;
    return load();
  }, gapMs);
  const look = () => {
    if (card.open && inSight && loaded !== now) ask();
  };
  card.addEventListener('toggle', look);
  new IntersectionObserver((entries) => {
    inSight = entries.at(-1)?.isIntersecting ?? false;
    look();
  }).observe(card);
  return (state) => {
    now = state;
    look();
  };
}
