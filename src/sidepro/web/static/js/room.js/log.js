/**
 * The messages of a room on the page, by their numbers, and those that are still on their way.
 *
 * The page has the latest messages already. New ones copy the page's templates, so that markup
 * and words stand in one place: the server's.
 */

import { languageOf, linked } from "./links.js";

const NEAR_BOTTOM = 80; // pixels from the end within which the page follows new messages

export class MessageLog {
  #log;
  #scroller;
  #viewer;
  #templates;
  #clock;
  #day;
  #pending;
  #newer;

  /**
   * @param {HTMLElement} root with the log and its templates
   * @param {{viewer: string, language: string, timeZone: string}} options
   */
  constructor(root, { viewer, language, timeZone }) {
    this.#viewer = viewer;
    this.#log = root.querySelector("[role=log]");
    this.#scroller = root.querySelector("[data-scroller]");
    this.#pending = root.querySelector("[data-pending]");
    this.#newer = root.querySelector("[data-newer]");
    this.#templates = Object.fromEntries(
      [...root.querySelectorAll("template[data-name]")].map((each) => [
        each.dataset.name,
        each.content.firstElementChild,
      ]),
    );
    this.#clock = new Intl.DateTimeFormat(language, { timeZone, timeStyle: "short" });
    const dateStyle = language === "ko" ? "long" : "medium"; // as the server writes them
    this.#day = new Intl.DateTimeFormat(language, { timeZone, dateStyle });
    this.#newer.addEventListener("click", () => this.showEnd());
    this.#scroller.addEventListener("scroll", () => {
      if (this.isAtEnd) this.#newer.hidden = true;
    });
  }

  /** The number of the last message on the page; 0 if there is none. */
  get lastSeq() {
    return Number(this.#last?.dataset.seq ?? 0);
  }

  get #last() {
    return this.#log.lastElementChild; // a day is always followed by its messages
  }

  get isAtEnd() {
    const { scrollHeight, scrollTop, clientHeight } = this.#scroller;
    return scrollHeight - scrollTop - clientHeight < NEAR_BOTTOM;
  }

  /** Shows a message after all others. Returns whether it was not there yet. */
  add(message) {
    if (message.seq <= this.lastSeq) return false;
    const isMine = message.sender_id === this.#viewer;
    const follows = isMine || this.isAtEnd;
    const sentAt = new Date(message.sent_at);
    const last = this.#last;
    const isNewDay = last?.dataset.day !== this.#day.format(sentAt);
    if (isNewDay) {
      const line = this.#copy("day");
      line.textContent = this.#day.format(sentAt);
      this.#log.append(line);
    }
    const element = this.#copy(isMine ? "mine" : "theirs");
    const isRun = !isNewDay && last?.dataset.sender === (message.sender_id ?? "");
    element.classList.toggle("message-first", !isRun);
    Object.assign(element.dataset, {
      seq: message.seq,
      sender: message.sender_id ?? "",
      day: this.#day.format(sentAt),
    });
    const report = element.querySelector("[data-report]");
    if (message.body) {
      write(element, message.body);
      if (report) report.href = addressOfReport(report, message);
    } else {
      report?.remove(); // who cannot read a message cannot report it
    }
    const time = element.querySelector("time");
    time.dateTime = message.sent_at;
    time.textContent = this.#clock.format(sentAt);
    this.#log.append(element);
    if (follows) this.showEnd();
    else this.#newer.hidden = false;
    return true;
  }

  /** Shows the messages on their way, below the log. */
  showPending(entries, { onRetry, onDiscard }) {
    const follows = this.isAtEnd;
    this.#pending.replaceChildren(
      ...entries.map((entry) => {
        const element = this.#copy(entry.refused ? "refused" : "waiting");
        write(element, entry.body);
        const reason = element.querySelector("[data-longer-than]");
        if (reason) reason.hidden = [...entry.body.normalize()].length <= reason.dataset.longerThan;
        element.querySelector("[data-retry]")?.addEventListener("click", () => onRetry(entry));
        element.querySelector("[data-discard]")?.addEventListener("click", () => onDiscard(entry));
        return element;
      }),
    );
    if (follows) this.showEnd();
  }

  /** Marks the last own message that the other person has read. */
  showRead(seq) {
    for (const mark of this.#log.querySelectorAll("[data-mark]")) mark.hidden = true;
    const mine = [...this.#log.querySelectorAll(".message-mine[data-seq]")];
    const read = mine.findLast((element) => Number(element.dataset.seq) <= seq);
    const mark = read?.querySelector("[data-mark]");
    if (mark) mark.hidden = false;
  }

  /**
   * Puts older messages, and the link to those before them, above. What the person looks at stays
   * where it is.
   */
  prepend(elements, older) {
    this.#silence();
    const { scrollHeight, scrollTop } = this.#scroller;
    const day = this.#log.firstElementChild;
    if (day && !day.dataset.seq && day.textContent === elements.at(-1)?.dataset.day) day.remove();
    this.#log.prepend(...elements);
    this.#replaceLink(older);
    this.#scroller.scrollTop = scrollTop + this.#scroller.scrollHeight - scrollHeight;
  }

  /** Puts these messages, and the link to those before them, in the place of all others. */
  replace(elements, older) {
    this.#silence();
    this.#log.replaceChildren(...elements);
    this.#replaceLink(older);
    this.showEnd();
  }

  /** Screen readers hear new messages, not the history. */
  #silence() {
    this.#log.setAttribute("aria-live", "off");
    setTimeout(() => this.#log.removeAttribute("aria-live"), 1_000);
  }

  #replaceLink(older) {
    const current = this.#scroller.querySelector(".older");
    const hadFocus = current?.contains(document.activeElement);
    current?.remove();
    if (older) this.#scroller.prepend(older);
    if (hadFocus) (older?.querySelector("a") ?? this.#scroller).focus({ preventScroll: true });
  }

  showEnd() {
    this.#newer.hidden = true;
    this.#scroller.scrollTop = this.#scroller.scrollHeight;
  }

  #copy(name) {
    return this.#templates[name].cloneNode(true);
  }
}

/** Puts a text into a message, in its language. */
function write(element, text) {
  const body = element.querySelector("[data-body]");
  const language = languageOf(text);
  if (language && language !== document.documentElement.lang) body.lang = language;
  body.replaceChildren(...linked(text));
}

function addressOfReport(link, message) {
  // The document of a template has no address to resolve `link.href` against.
  const url = new URL(link.getAttribute("href"), location.href);
  url.searchParams.set("target", `${message.room_id}/${message.seq}`);
  return url.href;
}
