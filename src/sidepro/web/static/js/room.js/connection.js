/**
 * The socket of a room: opens it with a ticket, resumes after the last message, and reconnects.
 *
 * The states that `onState` reports are `connecting`, `open`, `offline` (the browser has no
 * network), `waiting` (a new attempt follows), and three final ones: `ended` (the session),
 * `gone` (the room) and `broken` (the server refuses what this page sends).
 */

const FIRST_BACKOFF = 500; // milliseconds: the bound of the first pause; it doubles
const MAX_BACKOFF = 30_000;
const TICKET_TIMEOUT = 10_000;
const CLOCK_INTERVAL = 5_000;
const SLEPT = 20_000; // a timer that is this late: the machine has slept

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
   * @param {{ticketAddress: string, lastSeq: () => number, onFrame: (frame: object) => void,
   *   onState: (state: string) => void}} options
   */
  constructor(options) {
    this.#options = options;
    window.addEventListener("online", () => this.reconnect());
    window.addEventListener("offline", () => this.#lose("offline"));
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
    if (this.#isFinal()) return;
    this.#failures = 0;
    this.#drop();
    if (navigator.onLine) this.#open();
    else this.#report("offline");
  }

  async #open() {
    const attempt = ++this.#attempt;
    this.#report("connecting");
    const ticket = await this.#ticket();
    if (attempt !== this.#attempt) return; // another attempt has begun meanwhile
    if (!ticket) return;
    const url = new URL(ticket.path, location.href.replace(/^http/, "ws"));
    url.searchParams.set("ticket", ticket.ticket);
    url.searchParams.set("after", this.#options.lastSeq());
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
    if (!navigator.onLine) {
      this.#report("offline");
      return;
    }
    const limit = Math.min(MAX_BACKOFF, FIRST_BACKOFF * 2 ** this.#failures);
    this.#failures += 1;
    this.#report("waiting");
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#open(), pause + Math.random() * limit);
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
    setInterval(() => {
      const now = Date.now();
      if (now - last > CLOCK_INTERVAL + SLEPT) this.reconnect();
      last = now;
    }, CLOCK_INTERVAL);
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
