/**
 * Messages on their way: kept until the server has stored them, over reloads and closed tabs.
 *
 * Messages go one at a time, so that none overtakes another. Each has a `client_id`, so sending it
 * twice stores it once. All tabs of a room share the list; each sends its own messages, and those
 * that another tab seems to have abandoned.
 */

const ACKNOWLEDGEMENT = 10_000; // milliseconds to wait for one; then the socket counts as dead
const RETRY = 1_000;
const ABANDONED = 15_000;
const RETRYABLE = new Set(["unavailable", "rate-limited"]);

export class Outbox {
  #key;
  #tab;
  #options;
  #unstored = null; // the entries, where the browser refuses to store them
  #sent = null;
  #timer = null;

  /**
   * @param {string} key of the local storage: one for each person and room
   * @param {{send: (frame: object) => boolean, onChange: (entries: object[]) => void,
   *   onSilence: () => void}} options
   */
  constructor(key, options) {
    this.#key = key;
    this.#options = options;
    this.#tab = crypto.getRandomValues(new Uint32Array(2)).join("-");
    window.addEventListener("storage", (event) => event.key === key && this.#changed());
  }

  /** The messages that are not stored yet: `{client_id, body, at, refused}`, oldest first. */
  get entries() {
    if (this.#unstored) return this.#unstored;
    try {
      return JSON.parse(localStorage.getItem(this.#key)) ?? [];
    } catch {
      return []; // not written by us
    }
  }

  add(body) {
    const client_id = crypto.getRandomValues(new Uint32Array(4)).join("-");
    const entry = { client_id, body, at: Date.now(), tab: this.#tab, refused: null };
    this.#save([...this.entries, entry]);
    this.flush();
  }

  /** The server has stored this message. */
  acknowledge(clientId) {
    const entries = this.entries;
    if (clientId === this.#sent) this.#settle();
    if (entries.some((entry) => entry.client_id === clientId)) this.discard(clientId);
    this.flush();
  }

  /** The server has refused this message. Some reasons pass by themselves. */
  refuse(clientId, code) {
    if (clientId === this.#sent) this.#settle();
    if (RETRYABLE.has(code)) {
      setTimeout(() => this.flush(), RETRY);
      return;
    }
    this.#update(clientId, { refused: code });
    this.flush();
  }

  /** Sends a refused message again. */
  retry(clientId) {
    this.#update(clientId, { refused: null, tab: this.#tab });
    this.flush();
  }

  discard(clientId) {
    this.#save(this.entries.filter((entry) => entry.client_id !== clientId));
  }

  /** A new socket is open: nothing sent before counts as sent. */
  restart() {
    this.#settle();
    this.flush();
  }

  /** Sends the oldest message, if none is on its way. */
  flush() {
    if (this.#sent !== null) return;
    const entry = this.entries.find((each) => !each.refused && this.#isOurs(each));
    if (!entry) return;
    const { client_id, body } = entry;
    if (!this.#options.send({ type: "send", client_id, body })) return;
    this.#sent = client_id;
    this.#timer = setTimeout(() => {
      this.#settle();
      this.#options.onSilence();
    }, ACKNOWLEDGEMENT);
  }

  #isOurs(entry) {
    return entry.tab === this.#tab || Date.now() - entry.at > ABANDONED;
  }

  #settle() {
    clearTimeout(this.#timer);
    this.#sent = null;
  }

  #update(clientId, changes) {
    const changed = (entry) => (entry.client_id === clientId ? { ...entry, ...changes } : entry);
    this.#save(this.entries.map(changed));
  }

  #save(entries) {
    try {
      if (entries.length) localStorage.setItem(this.#key, JSON.stringify(entries));
      else localStorage.removeItem(this.#key);
      this.#unstored = null;
    } catch {
      this.#unstored = entries; // storage is full or turned off: they live as long as the page
    }
    this.#changed();
  }

  #changed() {
    this.#options.onChange(this.entries);
  }
}
