/**
 * The message field: Enter sends, Shift+Enter breaks the line.
 *
 * An Enter that ends a Korean composition sends too, once, with its last syllable. Browsers differ
 * in what they report for it: Chrome on macOS sends two keydown events, the first during the
 * composition; Chrome on Windows sends one, then a line break; Safari ends the composition first.
 * In other scripts that Enter chooses a candidate, so it sends nothing.
 */

const HANGUL = /[\u1100-\u11ff\u3130-\u318f\ua960-\ua97f\uac00-\ud7ff]$/;
const SAME_PRESS = 150; // milliseconds within which all events belong to one press of Enter

export class Composer {
  #field;
  #onSend;
  #composed = ""; // the text of the last composition
  #isComposing = false;
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
    });
    field.addEventListener("compositionstart", () => (this.#isComposing = true));
    field.addEventListener("compositionupdate", (event) => (this.#composed = event.data));
    field.addEventListener("compositionend", (event) => this.#endComposition(event));
    field.addEventListener("keydown", (event) => this.#press(event));
    field.addEventListener("beforeinput", (event) => {
      const isBreak = ["insertLineBreak", "insertParagraph"].includes(event.inputType);
      if (isBreak && (this.#isWaiting || this.#hasJustSent())) event.preventDefault();
    });
  }

  #press(event) {
    const isEnter = event.key === "Enter" || /^(Numpad)?Enter$/.test(event.code);
    if (!isEnter || event.shiftKey || event.ctrlKey || event.altKey || event.metaKey) return;
    const isOfComposition = event.isComposing || event.keyCode === 229;
    if (isOfComposition && !HANGUL.test(this.#composed)) return;
    if (this.#isComposing) {
      if (this.#isWaiting) return;
      this.#isWaiting = true;
      this.#timer = setTimeout(() => this.#sendComposed(), SAME_PRESS);
      return;
    }
    event.preventDefault();
    if (event.repeat || this.#hasJustSent()) return;
    this.#send();
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
    const body = this.#field.value;
    if (!body.trim()) return;
    this.#field.value = "";
    this.#field.dispatchEvent(new Event("input", { bubbles: true }));
    this.#onSend(body);
  }
}
