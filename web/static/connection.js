/** The stream of state from the server: opened again whenever it is lost. */

/** @typedef {import('./types.js').State} State */

const RETRY_MS = 1_000;
/** The server speaks at least every two seconds. */
const SILENCE_MS = 7_000;

export class Connection {
  /** @type {EventSource | undefined} */
  #source;
  #timer = 0;
  /** Id of the last event, which a new stream goes on from. */
  #last = '';

  /**
   * @param {(changes: Partial<State>) => void} onChanges sections that changed
   * @param {(connected: boolean) => void} onStatus
   */
  constructor(onChanges, onStatus) {
    this.onChanges = onChanges;
    this.onStatus = onStatus;
  }

  open() {
    if (this.#source) return;
    const query = this.#last && `?last_event_id=${encodeURIComponent(this.#last)}`;
    const source = new EventSource(`/api/v1/events${query}`);
    this.#source = source;
    this.#expect(SILENCE_MS);
    source.onmessage = (event) => {
      this.#heard();
      this.onChanges(JSON.parse(event.data));
      this.#last = event.lastEventId;
    };
    source.addEventListener('beat', () => this.#heard());
    source.onerror = () => {
      this.onStatus(false);
      this.#expect(RETRY_MS);
    };
  }

  close() {
    window.clearTimeout(this.#timer);
    this.#source?.close();
    this.#source = undefined;
  }

  #heard() {
    this.#expect(SILENCE_MS);
    this.onStatus(true);
  }

  /**
   * Start again unless something is heard in time. A browser's own attempts end at an answer
   * like 503, and it does not notice a peer that is silent.
   *
   * @param {number} within_ms
   */
  #expect(within_ms) {
    window.clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => {
      this.onStatus(false);
      this.close();
      this.open();
    }, within_ms);
  }
}
