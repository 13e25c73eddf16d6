// On every page: tells the server the time zone of this device, for the dates of the next page, and
// starts the worker that shows a page of its own while there is no network.

const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
const { path } = document.documentElement.dataset;
const known = document.cookie.split("; ").includes(`sidepro-time-zone=${zone}`);
if (zone && !known) {
  const secure = location.protocol === "https:" ? "; secure" : "";
  document.cookie = `sidepro-time-zone=${zone}; path=${path}; max-age=31536000; samesite=lax${secure}`;
}

addEventListener("load", () => {
  navigator.serviceWorker?.register(`${path.replace(/\/$/, "")}/service-worker.js`).catch(() => {});
});
