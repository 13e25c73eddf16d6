/**
 * The socket of a room: opens it with a ticket, resumes after the last message, and reconnects.
 *
 * The states that `onState` reports are `connecting`, `open`, `offline` (the browser has no
 * network), `waiting` (a new attempt follows), and three final ones: `ended` (the session),
 * `gone` (the room) and `broken` (the server refuses what this page sends).
 */

const FIRST_BACKOFF = 500; // milliseconds: the bound of the first pause; it doubles
const MAX_BACKOFF = 30_000;
const FAILED_PAUSE = 3_000;
const TICKET_TIMEOUT = 10_000;
const OFFLINE_PAUSE = 15_000; // browsers may be wrong about it, above all without any network card
const CLOCK_INTERVAL = 5_000;
const SLEPT = 25_000; // milliseconds between two ticks of the clock: the machine has slept
const SLEPT_HIDDEN = 120_000; // browsers let the clocks of hidden pages tick once a minute

const FINAL_CODES = new Map([
  [1002, "broken"],
  [1007, "broken"],
  [1009, "broken"],
  [4400, "broken"],
  [4404, "gone"],
]);

export class Connection {
  #options;
  #socket = null;
  #timer = null;
  #failures = 0;
  #attempt = 0;
  #state = null;

  /**
   * @param {{ticketAddress: string, lastSeq: () => number, epoch: () => string | null,
   *   onFrame: (frame: object) => void, onState: (state: string) => void}} options
   */
  constructor(options) {
    this.#options = options;
    window.addEventListener("online", () => this.reconnect());
    window.addEventListener("offline", () => {
      this.#lose("offline");
      if (!this.#isFinal()) this.#retry(0);
    });
    window.addEventListener("pagehide", () => this.#lose("waiting"));
    window.addEventListener("pageshow", (event) => event.persisted && this.reconnect());
    this.#watchClock();
  }

  get isOpen() {
    return this.#state === "open";
  }

  /** Sends a frame. Returns whether a socket was open; it may still be lost on the way. */
  send(frame) {
    if (!this.isOpen || this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(JSON.stringify(frame));
    return true;
  }

  /** Drops the socket, if there is one, and opens another at once. */
  reconnect() {
    // The person may have logged in again in another tab.
    if (this.#isFinal() && this.#state !== "ended") return;
    this.#failures = 0;
    this.#drop();
    this.#open();
  }

  /** Drops the socket, and opens another after a pause. */
  fail() {
    if (this.#isFinal()) return;
    this.#drop();
    this.#retry(FAILED_PAUSE);
  }

  /** Drops the socket for good, for this reason. */
  end(state) {
    this.#lose(state);
  }

  async #open() {
    const attempt = ++this.#attempt;
    this.#report(navigator.onLine ? "connecting" : "offline");
    const ticket = await this.#ticket();
    if (attempt !== this.#attempt) return; // another attempt has begun meanwhile
    if (!ticket) return;
    const url = new URL(ticket.path, location.href.replace(/^http/, "ws"));
    url.searchParams.set("ticket", ticket.ticket);
    url.searchParams.set("after", this.#options.lastSeq());
    const epoch = this.#options.epoch();
    if (epoch) url.searchParams.set("epoch", epoch);
    const socket = new WebSocket(url);
    this.#socket = socket;
    socket.addEventListener("message", (event) => {
      if (socket !== this.#socket) return;
      const frame = JSON.parse(event.data);
      if (frame.type === "hello") {
        this.#failures = 0;
        this.#report("open");
      }
      this.#options.onFrame(frame);
    });
    socket.addEventListener("close", (event) => {
      if (socket !== this.#socket) return;
      this.#socket = null;
      const final = FINAL_CODES.get(event.code);
      if (final) this.#report(final);
      else this.#retry(event.code === 4429 ? MAX_BACKOFF / 2 : 0);
    });
  }

  /** A ticket, or `null` after the reason was reported or the next attempt planned. */
  async #ticket() {
    const attempt = this.#attempt;
    try {
      const response = await fetch(this.#options.ticketAddress, {
        method: "POST",
        headers: { Accept: "application/json" },
        redirect: "manual",
        signal: AbortSignal.timeout(TICKET_TIMEOUT),
      });
      if (response.ok) return await response.json();
      if (attempt !== this.#attempt) return null;
      if (response.type === "opaqueredirect" || response.status === 401) this.#report("ended");
      else if (response.status === 404) this.#report("gone");
      else this.#retry(Number(response.headers.get("Retry-After") ?? 0) * 1_000);
    } catch {
      // No network, no answer in time, or no JSON: the server or a proxy is away.
      if (attempt === this.#attempt) this.#retry(0);
    }
    return null;
  }

  /** Plans the next attempt after a random pause of at least `pause` milliseconds. */
  #retry(pause) {
    const least = navigator.onLine ? pause : Math.max(pause, OFFLINE_PAUSE);
    const limit = Math.min(MAX_BACKOFF, FIRST_BACKOFF * 2 ** this.#failures);
    this.#failures += 1;
    this.#report(navigator.onLine ? "waiting" : "offline");
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#open(), least + Math.random() * limit);
  }

  #lose(state) {
    if (this.#isFinal()) return;
    this.#drop();
    this.#report(state);
  }

  #drop() {
    clearTimeout(this.#timer);
    this.#attempt += 1;
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
  }

  /** After a sleep, sockets look open and are dead: only a new one tells. */
  #watchClock() {
    let last = Date.now();
    const tick = (limit) => {
      const now = Date.now();
      if (now - last > limit) this.reconnect();
      last = now;
    };
    setInterval(() => tick(document.hidden ? SLEPT_HIDDEN : SLEPT), CLOCK_INTERVAL);
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden) tick(SLEPT);
    });
  }

  #isFinal() {
    return ["ended", "gone", "broken"].includes(this.#state);
  }

  #report(state) {
    if (state === this.#state) return;
    this.#state = state;
    this.#options.onState(state);
  }
}
