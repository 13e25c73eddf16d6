/**
 * Messages on their way: kept until the server has stored them, over reloads and closed tabs.
 *
 * Messages go one at a time, so that none overtakes another. Each has a `client_id`, so sending it
 * twice stores it once. All tabs of a room share the messages, and each sends the oldest first, so
 * a closed tab loses none and changes no order. Each message is an item of its own in the storage,
 * because tabs that write one list at once would overwrite each other's messages.
 */

const ACKNOWLEDGEMENT = 10_000; // milliseconds to wait for one; then the socket counts as dead
const RETRY = 1_000;
const ABANDONED = 5_000; // a message of another tab is still there: that tab may be gone
const RETRYABLE = new Set(["unavailable", "rate-limited"]);
const INVALID = "invalid";
const MAX_LENGTH = 16_000; // UTF-16 units: no message is that long, and no frame may be much longer

export class Outbox {
  #prefix;
  #options;
  #unstored = new Map(); // entries that the browser refuses to store, by their keys
  #sent = null;
  #timer = null;

  /**
   * @param {string} prefix of keys of the local storage: one for each person and room
   * @param {{send: (frame: object) => boolean, onChange: (entries: object[]) => void,
   *   onSilence: () => void}} options
   */
  constructor(prefix, options) {
    this.#prefix = prefix;
    this.#options = options;
    window.addEventListener("storage", ({ key, newValue }) => {
      if (key !== null && !key.startsWith(prefix)) return;
      this.#changed();
      if (newValue !== null) setTimeout(() => this.flush(), ABANDONED);
    });
    window.addEventListener("beforeunload", (event) => {
      if (this.#unstored.size) event.preventDefault(); // they would be lost with the page
    });
  }

  /** The messages that are not stored yet: `{client_id, body, at, refused}`, oldest first. */
  get entries() {
    return [...this.#stored(), ...this.#unstored.values()].sort(
      (one, other) => one.at - other.at || (one.client_id < other.client_id ? -1 : 1),
    );
  }

  add(body) {
    const client_id = crypto.getRandomValues(new Uint32Array(4)).join("-");
    const last = this.entries.at(-1)?.at ?? 0; // clocks may go back
    // JSON cannot carry half of a surrogate pair.
    const text = body.toWellFormed?.() ?? body;
    this.#save({ client_id, body: text, at: Math.max(Date.now(), last + 1), refused: null });
    this.flush();
  }

  /** The server has stored this message. */
  acknowledge(clientId) {
    if (clientId === this.#sent) this.#settle();
    if (this.#find(clientId)) this.discard(clientId);
    this.flush();
  }

  /**
   * The server has refused this message; `null` stands for a frame that it could not read. Some
   * reasons pass by themselves.
   */
  refuse(clientId, code) {
    const refused = clientId ?? (code === INVALID ? this.#sent : null);
    if (refused === null) return;
    if (refused === this.#sent) this.#settle();
    if (RETRYABLE.has(code)) {
      setTimeout(() => this.flush(), RETRY);
      return;
    }
    this.#update(refused, { refused: code });
    this.flush();
  }

  /** Sends a refused message again. */
  retry(clientId) {
    this.#update(clientId, { refused: null });
    this.flush();
  }

  discard(clientId) {
    const key = this.#prefix + clientId;
    this.#unstored.delete(key);
    try {
      localStorage.removeItem(key);
    } catch {
      // Storage is turned off.
    }
    this.#changed();
  }

  /** A new socket is open: nothing sent before counts as sent. */
  restart() {
    this.#settle();
    this.flush();
  }

  /** Sends the oldest message, if none is on its way. */
  flush() {
    if (this.#sent !== null) return;
    const entry = this.entries.find((each) => !each.refused);
    if (!entry) return;
    const { client_id, body } = entry;
    if (body.length > MAX_LENGTH) {
      this.refuse(client_id, INVALID);
      return;
    }
    if (!this.#options.send({ type: "send", client_id, body })) return;
    this.#sent = client_id;
    this.#timer = setTimeout(() => {
      this.#settle();
      this.#options.onSilence();
    }, ACKNOWLEDGEMENT);
  }

  #stored() {
    try {
      return Object.keys(localStorage)
        .filter((key) => key.startsWith(this.#prefix) && !this.#unstored.has(key))
        .map((key) => JSON.parse(localStorage.getItem(key)))
        .filter((entry) => entry !== null); // another tab has just removed it
    } catch {
      return []; // storage is turned off, or something else wrote there
    }
  }

  #settle() {
    clearTimeout(this.#timer);
    this.#sent = null;
  }

  #find(clientId) {
    return this.entries.find((entry) => entry.client_id === clientId);
  }

  #update(clientId, changes) {
    const entry = this.#find(clientId);
    if (entry) this.#save({ ...entry, ...changes });
  }

  #save(entry) {
    const key = this.#prefix + entry.client_id;
    try {
      localStorage.setItem(key, JSON.stringify(entry));
      this.#unstored.delete(key);
    } catch {
      this.#unstored.set(key, entry); // storage is full or turned off: it lives with the page
    }
    this.#changed();
  }

  #changed() {
    this.#options.onChange(this.entries);
  }
}
