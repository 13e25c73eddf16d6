/**
 * The person's stream, on every page of somebody who is logged in: moves the badges of the page,
 * and tells the page of changed rooms by the event `sidepro:room` of the document.
 */

const FIRST_BACKOFF = 500; // milliseconds: the bound of the first pause; it doubles
const MAX_BACKOFF = 60_000;
const ROOM_PAUSE = 2_000;
const TICKET_TIMEOUT = 10_000;
const FINAL_CODES = [1002, 1007, 1009, 4400, 4401, 4404];

const header = document.querySelector("[data-stream]");
let socket = null;
let attempt = 0; // the number of the latest one; what comes of an earlier one is dropped
let failures = 0;
let hasMissed = false; // what happened while there was no socket
let timer = null;

function showBadges(badges) {
  for (const badge of document.querySelectorAll("[data-badge]")) {
    const count = badges[badge.dataset.badge];
    const [number, label] = badge.children;
    number.textContent = count > 99 ? "99+" : count;
    const pattern = (count === 1 && badge.dataset.one) || badge.dataset.other;
    label.textContent = pattern.replace("{count}", count.toLocaleString(document.documentElement.lang));
    badge.hidden = count === 0;
  }
}

function receive(frame) {
  if (frame.type === "hello" || frame.type === "badge") showBadges(frame);
  if (frame.type === "room" || (frame.type === "hello" && hasMissed)) {
    document.dispatchEvent(new CustomEvent("sidepro:room", { detail: frame }));
  }
  if (frame.type === "hello") {
    failures = 0;
    hasMissed = false;
  }
}

async function open() {
  timer = null;
  const mine = ++attempt;
  try {
    const response = await fetch(header.dataset.stream, {
      method: "POST",
      headers: { Accept: "application/json" },
      redirect: "manual",
      signal: AbortSignal.timeout(TICKET_TIMEOUT),
    });
    if (mine !== attempt) return;
    if (response.status === 401 || response.type === "opaqueredirect") return; // logged out
    if (!response.ok) return retry();
    const { path, ticket } = await response.json();
    if (mine !== attempt) return;
    const url = new URL(path, location.href.replace(/^http/, "ws"));
    url.searchParams.set("ticket", ticket);
    const opened = (socket = new WebSocket(url));
    opened.addEventListener("message", (event) => receive(JSON.parse(event.data)));
    opened.addEventListener("close", (event) => {
      if (opened === socket && !FINAL_CODES.includes(event.code)) retry();
    });
  } catch {
    if (mine === attempt) retry();
  }
}

/** Opens another socket after a pause: random, so that not all pages come back at once. */
function retry() {
  socket = null;
  hasMissed = true;
  const bound = Math.min(FIRST_BACKOFF * 2 ** failures++, MAX_BACKOFF);
  timer ??= setTimeout(open, bound * (0.5 + Math.random() / 2));
}

function close() {
  const closing = socket;
  socket = null;
  attempt += 1;
  hasMissed = true;
  clearTimeout(timer);
  timer = null;
  closing?.close();
}

if (header) {
  // In a room, its own socket comes first.
  const isRoom = document.querySelector("[role=log]");
  timer = setTimeout(open, isRoom ? ROOM_PAUSE : 0);
  addEventListener("online", () => !socket && (close(), open()));
  addEventListener("pagehide", close);
  addEventListener("pageshow", (event) => event.persisted && open());
}
