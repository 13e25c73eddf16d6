/** The page of a room: what it does beyond its forms. */

import { Composer } from "./composer.js";
import { Connection } from "./connection.js";
import { Outbox } from "./outbox.js";
import { MessageLog } from "./log.js";

const TYPING_EVERY = 1_000; // milliseconds
const TYPING_SHOWN = 3_000; // after the last frame about it
const READ_EVERY = 1_000;

const root = document.querySelector("[data-room]");
const { room, viewer, address, language, timeZone } = root.dataset;
const scroller = root.querySelector("[data-scroller]");
const field = root.querySelector("textarea");
const draftKey = `sidepro:draft:${viewer}:room:${room}`;
let participantReadSeq = Number(root.dataset.participantReadSeq);
let readSeq = Number(root.dataset.readSeq);

const messages = new MessageLog(root, { viewer, language, timeZone });

const outbox = new Outbox(`sidepro:outbox:${viewer}:room:${room}`, {
  send: (frame) => connection.send(frame),
  onChange: (entries) => showPending(entries),
  onSilence: () => connection.reconnect(),
});

const connection = new Connection({
  ticketAddress: `${address}/socket-tickets`,
  lastSeq: () => messages.lastSeq,
  onFrame: (frame) => handlers[frame.type]?.(frame),
  onState: showState,
});

const handlers = {
  async hello({ room: current, recovered }) {
    showRead(current.participant_read_seq);
    readSeq = Math.max(readSeq, current.read_seq);
    if (!recovered) await reload();
    outbox.restart();
    markRead();
  },
  message({ message }) {
    const isNew = messages.add(message);
    if (message.sender_id !== viewer) hideTyping();
    else if (message.client_id) outbox.acknowledge(message.client_id);
    if (isNew) {
      showRead(participantReadSeq);
      markRead();
    }
  },
  read({ user_id, seq }) {
    if (user_id !== viewer) showRead(seq);
    else readSeq = Math.max(readSeq, seq);
  },
  typing({ user_id }) {
    if (user_id !== viewer) showTyping();
  },
  status({ status, online }) {
    const isHere = online.some((person) => person !== viewer);
    root.querySelector("[data-here]").hidden = !isHere;
    root.querySelector("[data-away]").hidden = isHere;
    root.querySelector("[data-closed]").hidden = status !== "pending";
    root.querySelector("[data-composer]").hidden = status === "pending";
  },
  error({ code, client_id }) {
    if (client_id) outbox.refuse(client_id, code);
  },
};

function showState(state) {
  for (const line of root.querySelectorAll("[data-state]")) {
    line.hidden = !line.dataset.state.split(" ").includes(state);
  }
}

function showPending(entries) {
  messages.showPending(entries, {
    onRetry: (entry) => outbox.retry(entry.client_id),
    onDiscard: (entry) => {
      outbox.discard(entry.client_id);
      if (!field.value) field.value = entry.body;
      field.focus();
    },
  });
}

/** Too many messages were missed for a replay: shows the latest ones instead. */
async function reload() {
  try {
    messages.replace(await fetchMessages(address));
  } catch {
    connection.reconnect();
  }
}

async function fetchMessages(url) {
  const response = await fetch(url, { redirect: "manual" });
  if (!response.ok) throw new Error(`the messages could not be read: ${response.status}`);
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const older = page.querySelector("[data-older]");
  const current = root.querySelector("[data-older]");
  if (older) current?.replaceWith(older);
  else current?.remove();
  return [...page.querySelector("[role=log]").children];
}

// ------------------------------------------------------------------------------- reading

function showRead(seq) {
  participantReadSeq = Math.max(participantReadSeq, seq);
  messages.showRead(participantReadSeq);
}

let readTimer = null;

/** Tells that the viewer has read what the page shows, at most once a second. */
function markRead() {
  if (readTimer !== null || document.hidden || !messages.isAtEnd) return;
  if (messages.lastSeq <= readSeq) return;
  if (!connection.send({ type: "read", seq: messages.lastSeq })) return;
  readSeq = messages.lastSeq;
  readTimer = setTimeout(() => {
    readTimer = null;
    markRead();
  }, READ_EVERY);
}

scroller.addEventListener("scroll", markRead, { passive: true });
document.addEventListener("visibilitychange", () => {
  if (document.hidden) return;
  if (!connection.isOpen) connection.reconnect();
  markRead();
});

root.addEventListener("click", async (event) => {
  const link = event.target.closest("[data-older]");
  if (!link) return;
  event.preventDefault();
  try {
    messages.prepend(await fetchMessages(link.href));
    showRead(participantReadSeq);
  } catch {
    location.assign(link.href); // the page tells what is wrong
  }
});

// -------------------------------------------------------------------------------- typing

let typingTimer = null;
let typedAt = 0;

function showTyping() {
  const follows = messages.isAtEnd;
  root.querySelector("[data-typing]").hidden = false;
  if (follows) messages.showEnd();
  clearTimeout(typingTimer);
  typingTimer = setTimeout(hideTyping, TYPING_SHOWN);
}

function hideTyping() {
  root.querySelector("[data-typing]").hidden = true;
}

// ------------------------------------------------------------------------------- writing

new Composer(field, (body) => outbox.add(body));

field.addEventListener("input", () => {
  try {
    if (field.value) localStorage.setItem(draftKey, field.value);
    else localStorage.removeItem(draftKey);
  } catch {
    // Storage is full or turned off: the draft lives as long as the page.
  }
  if (field.value && Date.now() - typedAt > TYPING_EVERY && connection.send({ type: "typing" })) {
    typedAt = Date.now();
  }
});

try {
  field.value ||= localStorage.getItem(draftKey) ?? "";
} catch {
  // Storage is turned off.
}
showPending(outbox.entries);
messages.showEnd();
connection.reconnect();
