/** The page of the editor: what it does beyond its form. */

import { watchCover } from "./cover.js";
import { Drafts } from "./drafts.js";
import { Sender } from "./sending.js";
import { startToolbar } from "./toolbar.js";
import { Uploads, watchComposition } from "./uploads.js";

const root = document.querySelector("[data-editor]");
const form = root.querySelector("[data-form]");
const field = form.elements.content;
const { viewer, project, language } = root.dataset;

// --------------------------------------------------------------------------------- lines

/** Shows one line about what happens, or none. */
function showLine(name, text) {
  const box = root.querySelector("[data-lines]");
  for (const line of box.querySelectorAll("[data-line]")) {
    line.hidden = line.dataset.line !== name;
    if (name === "other" && !line.hidden) line.textContent = text;
  }
  box.hidden = !name;
}

function when(at) {
  const isToday = new Date(at).toDateString() === new Date().toDateString();
  const style = isToday ? { timeStyle: "short" } : { dateStyle: "medium", timeStyle: "short" };
  return new Intl.DateTimeFormat(language, style).format(at);
}

function showSaved(at) {
  root.querySelector("[data-not-saved]").hidden = at !== null;
  const text = at === null ? "" : root.dataset.savedHere.replace("{time}", when(at));
  root.querySelector("[data-saved]").textContent = text;
  window.onbeforeunload = at === null ? (event) => event.preventDefault() : null;
}

// -------------------------------------------------------------------------------- fields

watchComposition(field);

const imageTypes = form.elements.thumbnail.accept;

const uploads = new Uploads(field, {
  address: root.dataset.images,
  viewer,
  types: imageTypes.split(","),
  maxBytes: Number(root.dataset.maxBytes),
  placeholder: root.dataset.uploading,
  onLine: showLine,
  onChange: () => drafts.touch(),
});

watchCover(root, { refusal: (file) => uploads.refusal(file), onLine: showLine });

const picker = document.createElement("input");
Object.assign(picker, { type: "file", multiple: true, accept: imageTypes });
picker.addEventListener("change", () => {
  uploads.add(picker.files);
  picker.value = "";
});

startToolbar(root.querySelector("[role=toolbar]"), field, {
  samples: JSON.parse(root.dataset.samples),
  onImage: () => picker.click(),
});

// -------------------------------------------------------------------------------- drafts

const drafts = new Drafts(form, `sidepro:draft:${viewer}:project:${project}:`, {
  isStored: "stored" in root.dataset,
  clean: (text) => uploads.without(text),
  onSave: showSaved,
});

const offer = root.querySelector("[data-offer]");
let offered = null;

function showOffer() {
  offered = drafts.next();
  offer.hidden = !offered;
  if (!offered) return;
  const text = root.dataset.draft.replace("{time}", when(offered.at));
  offer.querySelector("[data-offer-text]").textContent = text;
}

function restore() {
  drafts.save(); // what the form shows is not lost either
  drafts.restore(offered);
  drafts.save();
  showOffer();
  field.focus();
}

offer.querySelector("[data-restore]").addEventListener("click", restore);
offer.querySelector("[data-discard]").addEventListener("click", () => {
  drafts.discard(offered.key);
  showOffer();
  field.focus();
});

showOffer();
if (offered && location.hash === "#restore") {
  history.replaceState(null, "", location.pathname);
  restore();
}

// ------------------------------------------------------------------------------- preview

const writing = root.querySelector("[data-writing]");
const previewed = root.querySelector("[data-previewed]");
const writeButton = root.querySelector("[data-write]");
const previewButton = root.querySelector("[data-preview]");

function showPreview(isShown) {
  writing.hidden = isShown;
  previewed.hidden = !isShown;
  writeButton.setAttribute("aria-pressed", String(!isShown));
  previewButton.setAttribute("aria-pressed", String(isShown));
}

async function preview() {
  await uploads.finished();
  const body = new FormData();
  body.set("content", field.value);
  try {
    const response = await fetch(previewButton.formAction, {
      method: "POST",
      body,
      headers: { Accept: "application/json" },
    });
    if (response.status === 401) return showLine("ended");
    if (response.status === 429 || response.status >= 500) return showLine("offline");
    const { html, text } = await response.json();
    if (!response.ok) return showLine("other", text);
    showLine(null);
    previewed.innerHTML = html;
    showPreview(true);
  } catch {
    showLine("offline");
  }
}

writeButton.addEventListener("click", () => {
  showPreview(false);
  field.focus();
});

// ------------------------------------------------------------------------------- sending

const sender = new Sender(form, {
  async before() {
    if (uploads.isBusy) showLine("uploads_first");
    await uploads.finished();
    drafts.save();
  },
  onLine: showLine,
  onErrors: () => showPreview(false),
  onSaved(answer, stays) {
    if (stays) form.elements.revision.value = answer.revision;
    drafts.acknowledge();
    if (!stays) location.assign(answer.address);
  },
});

form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (event.submitter === previewButton) preview();
  else sender.send();
});
root.querySelector("[data-again]").addEventListener("click", () => sender.send());

// Of a new project it keeps the text on this device: a key must not publish.
document.addEventListener("keydown", (event) => {
  if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== "s") return;
  event.preventDefault();
  drafts.save();
  if (project !== "new" && form.reportValidity()) sender.send(true);
});
