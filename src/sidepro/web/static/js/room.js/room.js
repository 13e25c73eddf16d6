/** The page of a room: what it does beyond its forms. */

import { Composer } from "./composer.js";
import { Connection } from "./connection.js";
import { Outbox } from "./outbox.js";
import { keepFresh } from "./list.js";
import { MessageLog } from "./log.js";

const TYPING_EVERY = 1_000; // milliseconds
const TYPING_SHOWN = 3_000; // after the last frame about it
const READ_EVERY = 1_000;
const BRIEF = 1_000; // a connection that takes longer is worth a line

const root = document.querySelector("[data-room]");
const { room, viewer, address, language, timeZone } = root.dataset;
const scroller = root.querySelector("[data-scroller]");
const field = root.querySelector("textarea");
const hasPartner = root.parentElement.querySelector(".partner") !== null;
const draftKey = `sidepro:draft:${viewer}:room:${room}`;
let participantReadSeq = Number(root.dataset.participantReadSeq);
let readSeq = Number(root.dataset.readSeq);
let epoch = null; // of the server's data that the page shows
let held = null; // messages that arrive while the page reads those that it has missed

const messages = new MessageLog(root, { viewer, language, timeZone });

const outbox = new Outbox(`sidepro:outbox:${viewer}:room:${room}:`, {
  send: (frame) => connection.send(frame),
  onChange: (entries) => showPending(entries),
  onSilence: () => connection.reconnect(),
});

const connection = new Connection({
  ticketAddress: `${address}/socket-tickets`,
  lastSeq: () => messages.lastSeq,
  epoch: () => epoch,
  onFrame: (frame) => handlers[frame.type]?.(frame),
  onState: showState,
});

const handlers = {
  async hello({ room: current, recovered, last_seq, epoch: told }) {
    held = null;
    if (current.participant?.id === viewer) {
      connection.end("ended"); // the partner has logged in to this browser meanwhile
      return;
    }
    if (epoch && epoch !== told) participantReadSeq = readSeq = 0; // both may have gone back
    showRead(current.participant_read_seq);
    readSeq = Math.max(readSeq, current.read_seq);
    // Fewer messages than the page shows: the server's data went back.
    const isWhole = recovered && last_seq >= messages.lastSeq;
    if (!isWhole && !(await reload())) return;
    epoch = told; // of what the page shows: not before its messages are replaced
    outbox.restart();
    markRead();
  },
  message({ message }) {
    if (held) held.push(message);
    else show(message);
  },
  read({ user_id, seq }) {
    if (user_id !== viewer) showRead(seq);
    else readSeq = Math.max(readSeq, seq);
  },
  typing({ user_id }) {
    if (user_id !== viewer) showTyping();
  },
  status({ status, left_by: leftBy, online }) {
    const isHere = online.some((person) => person !== viewer);
    root.querySelector("[data-here]").hidden = !isHere;
    root.querySelector("[data-away]").hidden = isHere;
    const isClosed = status === "pending";
    root.querySelector("[data-closed=left]").hidden = !isClosed || (hasPartner && !leftBy);
    root.querySelector("[data-closed=unwritable]").hidden = !isClosed || !hasPartner || leftBy !== null;
    root.querySelector("[data-composer]").hidden = status === "pending";
  },
  error({ code, client_id }) {
    root.querySelector("[data-unverified]").hidden = code !== "email-not-verified";
    outbox.refuse(client_id, code);
  },
};

function show(message) {
  const isNew = messages.add(message);
  if (message.sender_id !== viewer) hideTyping();
  else if (message.client_id) outbox.acknowledge(message.client_id);
  if (!isNew) return;
  if (message.seq <= participantReadSeq) showRead(participantReadSeq);
  markRead();
}

let state = null;
let stateTimer = null;

function showState(current) {
  state = current;
  const isBrief = ["connecting", "waiting"].includes(state);
  if (!isBrief) showLine();
  else stateTimer ??= setTimeout(showLine, BRIEF);
}

function showLine() {
  clearTimeout(stateTimer);
  stateTimer = null;
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

/**
 * Too many messages were missed for a replay: shows the latest ones instead. Returns whether the
 * page has all messages now.
 */
async function reload() {
  const arrived = (held = []);
  try {
    const page = await fetchPage(address);
    if (held !== arrived) return false; // another socket has begun meanwhile
    messages.replace(page.messages, page.older);
  } catch {
    if (held === arrived) connection.fail();
    return false;
  }
  held = null;
  arrived.forEach(show);
  return true;
}

async function fetchPage(url) {
  const response = await fetch(url, { redirect: "manual" });
  if (!response.ok) throw new Error(`the messages could not be read: ${response.status}`);
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  return {
    messages: [...page.querySelector("[role=log]").children],
    older: page.querySelector(".older"),
  };
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

let olderLink = null; // the one that is followed now

root.addEventListener("click", async (event) => {
  const link = event.target.closest("[data-older]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  if (link === olderLink) return;
  olderLink = link;
  try {
    const page = await fetchPage(link.href);
    if (!link.isConnected) return; // other messages are there by now
    messages.prepend(page.messages, page.older);
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
keepFresh(document.querySelector(".rooms"), root.dataset.list);
showPending(outbox.entries);
messages.showEnd();
connection.reconnect();
