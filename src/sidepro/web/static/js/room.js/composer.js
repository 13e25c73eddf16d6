/**
 * The message field: Enter sends, Shift+Enter breaks the line.
 *
 * An Enter that ends a Korean composition sends too, once, with its last syllable. Browsers differ
 * in what they report for it: Chrome on macOS sends two keydown events, the first during the
 * composition; Chrome on Windows sends one, then a line break; Safari ends the composition first.
 * In other scripts that Enter chooses a candidate, so it sends nothing. Keyboards of telephones
 * may report no key at all for Enter, only the line break that it is about to make.
 */

const HANGUL = /[\u1100-\u11ff\u3130-\u318f\ua960-\ua97f\uac00-\ud7ff]$/;
const SAME_PRESS = 150; // milliseconds within which all events belong to one press of Enter

export class Composer {
  #field;
  #onSend;
  #composed = ""; // the text of the last composition
  #isComposing = false;
  #isUnknown = false; // the last keydown does not tell its key
  #isWaiting = false; // an Enter waits for the end of the composition
  #sentAt = -Infinity; // when such an Enter has sent
  #timer = null;

  /**
   * @param {HTMLTextAreaElement} field
   * @param {(body: string) => void} onSend
   */
  constructor(field, onSend) {
    this.#field = field;
    this.#onSend = onSend;
    field.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#send();
      field.focus();
    });
    field.addEventListener("compositionstart", () => (this.#isComposing = true));
    field.addEventListener("compositionupdate", (event) => (this.#composed = event.data));
    field.addEventListener("compositionend", (event) => this.#endComposition(event));
    field.addEventListener("keydown", (event) => this.#press(event));
    field.addEventListener("beforeinput", (event) => this.#beforeInput(event));
  }

  #beforeInput(event) {
    const isBreak =
      ["insertLineBreak", "insertParagraph"].includes(event.inputType) ||
      (event.inputType === "insertText" && event.data === "\n");
    if (!isBreak) return;
    if (this.#isWaiting || this.#hasJustSent()) {
      event.preventDefault();
    } else if (this.#isUnknown) {
      event.preventDefault();
      if (this.#isComposing) this.#wait();
      else this.#send();
    }
  }

  #press(event) {
    this.#isUnknown = event.keyCode === 229 && !event.code && !event.shiftKey;
    const isEnter = event.key === "Enter" || /^(Numpad)?Enter$/.test(event.code);
    if (!isEnter || event.shiftKey || event.ctrlKey || event.altKey || event.metaKey) return;
    const isOfComposition = event.isComposing || event.keyCode === 229;
    if (isOfComposition && !HANGUL.test(this.#composed)) return;
    if (this.#isComposing) {
      this.#wait();
      return;
    }
    event.preventDefault();
    if (event.repeat || this.#hasJustSent()) return;
    this.#send();
  }

  /** Sends after the end of the composition. */
  #wait() {
    if (this.#isWaiting) return;
    this.#isWaiting = true;
    this.#timer = setTimeout(() => this.#sendComposed(), SAME_PRESS);
  }

  #endComposition(event) {
    this.#isComposing = false;
    this.#composed = event.data || this.#composed;
    // The field has its final value after the events of this composition.
    if (this.#isWaiting) setTimeout(() => this.#sendComposed());
  }

  #sendComposed() {
    if (!this.#isWaiting) return;
    clearTimeout(this.#timer);
    this.#isWaiting = false;
    this.#sentAt = performance.now();
    this.#send();
  }

  #hasJustSent() {
    return performance.now() - this.#sentAt < SAME_PRESS;
  }

  #send() {
    const body = this.#field.value.trimEnd();
    if (!body) return;
    this.#onSend(body); // first: it keeps the text
    this.#field.value = "";
    this.#field.dispatchEvent(new Event("input", { bubbles: true }));
  }
}
