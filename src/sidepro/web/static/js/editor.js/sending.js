/** Sends the form in place, so that a bad network or an ended session leaves the page as it is. */

const PATIENCE = 120_000; // milliseconds
const MENDABLE = new Set([409, 413, 415, 422]);
const FIELDS = ["title", "summary", "content", "skills", "repository_url", "thumbnail"];
const HIDDEN = ["idempotency_key", "thumbnail_id", "thumbnail_url"];

export class Sender {
  #form;
  #options;
  #isBusy = false;

  /**
   * @param {HTMLFormElement} form
   * @param {{before: () => Promise<void>, onLine: (name: ?string, text?: string) => void,
   *   onSaved: (answer: {address: string, revision: ?number}, stays: boolean) => void,
   *   onErrors: () => void}} options
   */
  constructor(form, options) {
    this.#form = form;
    this.#options = options;
  }

  /** `stays`: the person goes on writing afterwards. */
  async send(stays = false) {
    if (this.#isBusy) return;
    this.#isBusy = true;
    try {
      await this.#options.before();
      this.#options.onLine("sending");
      await this.#answer(await this.#post(stays), stays);
    } catch {
      this.#options.onLine("offline");
    } finally {
      this.#isBusy = false;
    }
  }

  #post(stays) {
    const body = new FormData(this.#form);
    if (stays) body.set("stay", "true");
    return fetch(this.#form.action, {
      method: "POST",
      body,
      headers: { Accept: "application/json" },
      signal: AbortSignal.timeout(PATIENCE),
    });
  }

  async #answer(response, stays) {
    const { status } = response;
    if (response.ok) {
      this.#options.onLine(stays ? "saved" : null);
      this.#options.onSaved(await response.json(), stays);
    } else if (status === 401) {
      this.#options.onLine("ended");
    } else if (status === 408 || status === 429 || status >= 500) {
      this.#options.onLine("offline");
    } else if (MENDABLE.has(status)) {
      this.#showErrors(await response.text());
    } else {
      this.#form.submit(); // the page tells what is wrong: both versions of a conflict
    }
  }

  #showErrors(html) {
    const page = new DOMParser().parseFromString(html, "text/html");
    const summary = page.querySelector("[data-errors]");
    if (!page.querySelector("[data-form]")) {
      this.#options.onLine("other", page.querySelector("h1")?.textContent);
      return;
    }
    for (const name of FIELDS) replaceErrors(name, page);
    for (const name of HIDDEN) this.#form.elements[name].value = page.querySelector(`[name=${name}]`).value;
    document.querySelector("[data-errors]")?.remove();
    this.#options.onLine(null);
    this.#form.before(summary);
    summary.focus();
    this.#options.onErrors();
  }
}

/** Takes over what a page says about a field. */
function replaceErrors(name, page) {
  const [ours, theirs] = [document, page].map((each) => each.getElementById(name));
  for (const attribute of ["aria-invalid", "aria-describedby"]) {
    const value = theirs.getAttribute(attribute);
    if (value === null) ours.removeAttribute(attribute);
    else ours.setAttribute(attribute, value);
  }
  const [old, fresh] = [ours, theirs].map((field) => field.closest(".field").querySelector(":scope > .below"));
  if (old && fresh) old.replaceWith(fresh);
  else if (fresh) ours.closest(".field").append(fresh);
  else old?.remove();
}
