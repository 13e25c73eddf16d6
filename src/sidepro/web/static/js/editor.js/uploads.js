/** Images in the text: pasted, dropped or chosen. A placeholder stands where each will be. */

import { replaceText } from "./text.js";

export class Uploads {
  #field;
  #options;
  #pending = new Map(); // promises by their placeholders

  /**
   * @param {HTMLTextAreaElement} field
   * @param {{address: string, viewer: string, types: string[], maxBytes: number,
   *   placeholder: string,
   *   onLine: (name: ?string, text?: string) => void, onChange: () => void}} options
   */
  constructor(field, options) {
    this.#field = field;
    this.#options = options;
    field.addEventListener("paste", (event) => {
      const { files, types } = event.clipboardData;
      // Spreadsheets and word processors offer their text as a picture too.
      if (files.length && !types.includes("text/plain")) this.#take(event, files);
    });
    field.addEventListener("dragover", (event) => {
      if (event.dataTransfer.types.includes("Files")) event.preventDefault();
    });
    field.addEventListener("drop", (event) => {
      if (event.dataTransfer.files.length) this.#take(event, event.dataTransfer.files);
    });
  }

  /** What is wrong with a file: the name of a line, or null. */
  refusal(file) {
    if (!this.#options.types.includes(file.type)) return "wrong_kind";
    return file.size > this.#options.maxBytes ? "too_large" : null;
  }

  add(files) {
    for (const file of files) {
      const reason = this.refusal(file);
      if (reason) this.#options.onLine(reason);
      else this.#start(file);
    }
  }

  /** Resolves when no image is on its way. */
  async finished() {
    while (this.#pending.size) await Promise.all(this.#pending.values());
  }

  get isBusy() {
    return this.#pending.size > 0;
  }

  /** The text without placeholders. */
  without(text) {
    return [...this.#pending.keys()].reduce((rest, each) => rest.replace(each, ""), text);
  }

  #take(event, files) {
    event.preventDefault();
    this.add(files);
  }

  #start(file) {
    const name = file.name.replace(/\.\w+$/, "").replace(/[[\]()<>\\`*_\n]/g, " ").trim() || "image";
    let placeholder = `![${this.#options.placeholder.replace("{name}", name)}]()`;
    while (this.#field.value.includes(placeholder)) placeholder = placeholder.replace("]()", " ]()");
    const { selectionStart, selectionEnd } = this.#field;
    replaceText(this.#field, selectionStart, selectionEnd, placeholder);
    const work = this.#upload(file)
      .then(async (url) => {
        await composed(this.#field);
        this.#replace(placeholder, url ? `![${name}](${url})` : "");
      })
      .finally(() => {
        this.#pending.delete(placeholder);
        this.#options.onChange();
      });
    this.#pending.set(placeholder, work);
  }

  /** The URL of the stored image; null if it was refused, which a line says. */
  async #upload(file) {
    const body = new FormData();
    body.set("viewer", this.#options.viewer);
    body.set("file", file);
    try {
      const response = await fetch(this.#options.address, { method: "POST", body });
      if (response.ok) return (await response.json()).url;
      const { code, text } = await response.json();
      if (response.status === 401) this.#options.onLine("ended");
      else if (code === "email-not-verified") this.#options.onLine("unverified");
      else this.#options.onLine("other", `${file.name}: ${text}`);
    } catch {
      this.#options.onLine("offline");
    }
    return null;
  }

  /** Leaves the selection where the person writes. */
  #replace(placeholder, text) {
    const field = this.#field;
    const start = field.value.indexOf(placeholder);
    if (start < 0) return; // the person has removed it
    const end = start + placeholder.length;
    const shift = text.length - placeholder.length;
    const moved = (at) => (at <= start ? at : at >= end ? at + shift : start + text.length);
    const selection = [moved(field.selectionStart), moved(field.selectionEnd)];
    replaceText(field, start, end, text);
    field.setSelectionRange(...selection);
  }
}

/** Resolves when no syllable is under composition. */
function composed(field) {
  if (!field.matches("[data-composing]")) return Promise.resolve();
  return new Promise((done) => {
    field.addEventListener("compositionend", () => setTimeout(done), { once: true });
  });
}

/** Notes on the field whether a syllable is under composition. */
export function watchComposition(field) {
  field.addEventListener("compositionstart", () => field.setAttribute("data-composing", ""));
  field.addEventListener("compositionend", () => field.removeAttribute("data-composing"));
}
