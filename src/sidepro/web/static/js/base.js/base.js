// On every page: tells the server the time zone of this device, for the dates of the next page,
// starts the worker that shows a page of its own while there is no network, counts the characters of
// fields with a counter, shows the name of a chosen file, and keeps a form that cannot be sent.

const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
const { lang, dataset } = document.documentElement;
const { path } = dataset;
const root = path.replace(/\/$/, "");
const known = document.cookie.split("; ").includes(`sidepro-time-zone=${zone}`);
if (zone && !known) {
  const secure = location.protocol === "https:" ? "; secure" : "";
  document.cookie = `sidepro-time-zone=${zone}; path=${path}; max-age=31536000; samesite=lax${secure}`;
}

addEventListener("load", () => {
  navigator.serviceWorker?.register(`${root}/service-worker.js`).catch(() => {});
});

function count() {
  for (const counter of document.querySelectorAll("[data-counter]")) {
    const { value } = document.getElementById(counter.dataset.counter);
    const { length } = [...value.normalize()]; // as the server stores and counts it
    const max = Number(counter.dataset.max);
    counter.textContent = `${length.toLocaleString(lang)} / ${max.toLocaleString(lang)}`;
    counter.classList.toggle("over", length > max);
  }
}

addEventListener("input", count);
count(); // the browser may have put back what was typed

function nameFile(field) {
  field.classList.toggle("chosen", field.files.length > 0);
}

addEventListener("change", ({ target }) => target.type === "file" && nameFile(target));
document.querySelectorAll("[type=file]").forEach(nameFile);

/** Says at the foot of the window that the server is away, or no longer says it. */
export function sayAway(isAway) {
  document.querySelector(".away")?.remove();
  if (!isAway) return;
  const line = document.createElement("p");
  line.className = "away";
  line.role = "alert";
  line.textContent = document.body.dataset.serverAway;
  document.body.append(line);
}

addEventListener("online", () => sayAway(false));

/** Whether a proxy answers in the place of the server, which names each of its responses. */
export function isOfProxy({ status, headers }) {
  return [502, 503, 504].includes(status) && !headers.has("X-Request-ID");
}

const PATIENCE = 8_000; // milliseconds: a dead network says nothing for minutes

/** Whether the server answers. A proxy may hide the address that is asked. */
async function isServed() {
  const signal = AbortSignal.timeout(PATIENCE);
  const asked = fetch(`${root}/health/live`, { cache: "no-store", signal });
  const response = await asked.catch(() => null);
  return response !== null && !isOfProxy(response);
}

addEventListener("submit", async (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.method !== "post") return;
  if (form.dataset.asked === "served") return delete form.dataset.asked;
  event.preventDefault(); // else a page of the browser takes the place of what was typed
  if (form.dataset.asked) return;
  form.dataset.asked = "asking";
  const served = await isServed();
  sayAway(!served);
  if (!served) return delete form.dataset.asked;
  form.dataset.asked = "served";
  form.requestSubmit(event.submitter);
});
