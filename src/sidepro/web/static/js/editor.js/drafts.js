/**
 * Keeps what is being written on this device, until the server has it.
 *
 * Each open page has an entry of its own, so that two tabs do not overwrite each other. What
 * earlier pages left is offered. Entries hold the revision and the key of their form too: going on
 * with an old text still notices a newer version, and what was published already stays one project.
 */

const WRITTEN = ["title", "summary", "content", "repository_url", "skills"];
const KEPT = [...WRITTEN, "revision", "idempotency_key"];
const WAIT = 500; // milliseconds after the last change
const FORGOTTEN = 30 * 86_400_000; // milliseconds after which nobody misses an entry

export class Drafts {
  #form;
  #prefix;
  #key;
  #initial;
  #options;
  #timer = null;
  #isDirty = false;

  /**
   * @param {HTMLFormElement} form
   * @param {string} prefix of the keys in the local storage: one for each person and project
   * @param {{isStored: boolean, clean: (text: string) => string, onSave: (at: ?number) => void}}
   *   options; `isStored`: the server has what the form shows; `clean` takes out of the text what
   *   is only for a moment; `onSave` gets the time, or null if the browser refuses to store
   */
  constructor(form, prefix, options) {
    this.#form = form;
    this.#prefix = prefix;
    this.#options = options;
    this.#key = prefix + crypto.getRandomValues(new Uint32Array(2)).join("-");
    this.#initial = options.isStored ? this.#written(this.#values()) : "";
    form.addEventListener("input", () => this.touch());
    form.addEventListener("change", () => this.touch());
    window.addEventListener("pagehide", () => this.#isDirty && this.save());
    document.addEventListener("visibilitychange", () => this.#isDirty && this.save());
  }

  /** Something was written. */
  touch() {
    this.#isDirty = true;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.save(), WAIT);
  }

  /** Stores the form now. It only reads the fields, so a composition goes on. */
  save() {
    clearTimeout(this.#timer);
    this.#isDirty = false;
    const values = this.#values();
    try {
      if (this.#written(values) === this.#initial) {
        localStorage.removeItem(this.#key);
        return;
      }
      const at = Date.now();
      localStorage.setItem(this.#key, JSON.stringify({ at, values }));
      this.#options.onSave(at);
    } catch {
      this.#isDirty = true; // storage is full or turned off
      this.#options.onSave(null);
    }
  }

  /** The server has it. */
  acknowledge() {
    this.#initial = this.#written(this.#values());
    this.save();
  }

  /** The newest text that another page left, if it is not what the form shows. */
  next() {
    const shown = this.#written(this.#values());
    const found = [];
    for (const [key, { at, values }] of this.#entries()) {
      if (Date.now() - at > FORGOTTEN) this.discard(key);
      else if (this.#written(values) !== shown) found.push({ key, at, values });
      else if (this.#options.isStored) this.discard(key);
      else this.#key = key; // the form came back
    }
    return found.sort((one, other) => other.at - one.at)[0] ?? null;
  }

  /** Shows a text that another page left, and goes on with its entry. */
  restore({ key, values }) {
    for (const name of KEPT) {
      const fields = this.#form.querySelectorAll(`[name=${name}]`);
      for (const field of fields) {
        if (field.type === "checkbox") field.checked = (values[name] ?? []).includes(field.value);
        else field.value = values[name]?.[0] ?? field.value;
      }
      // Counters and the line of picked skills follow.
      fields[0]?.dispatchEvent(new Event("input", { bubbles: true }));
    }
    this.#key = key;
  }

  discard(key) {
    localStorage.removeItem(key);
  }

  #entries() {
    try {
      return Object.keys(localStorage)
        .filter((key) => key.startsWith(this.#prefix) && key !== this.#key)
        .map((key) => [key, JSON.parse(localStorage.getItem(key))])
        .filter(([, entry]) => entry?.values);
    } catch {
      return []; // storage is turned off, or was not written by us
    }
  }

  #values() {
    const data = new FormData(this.#form);
    const values = Object.fromEntries(KEPT.map((name) => [name, data.getAll(name)]));
    values.content = values.content.map((text) => this.#options.clean(lines(text)));
    return values;
  }

  #written(values) {
    return JSON.stringify(WRITTEN.map((name) => [...(values[name] ?? [])].sort()));
  }
}

/** Form data has the line ends of the network. */
function lines(text) {
  return text.replaceAll("\r\n", "\n");
}
