// Shows a page of its own while there is no network or no server. It keeps that page and what it is
// made of, and nothing else: no page of a person is ever stored.

const OFFLINE = {{ url("/offline", language=language, colours=page.colours)|tojson }};
const SHELL = [
  OFFLINE,
  {{ static("css/app.css")|tojson }},
  {{ static("icons/sprite.svg")|tojson }},
  {{ static("icons/favicon.svg")|tojson }},
];
const CACHE = SHELL.join();

self.addEventListener("install", (event) => {
  const store = async () => {
    const cache = await caches.open(CACHE);
    await cache.addAll(SHELL.map((address) => new Request(address, { credentials: "omit" })));
    await self.skipWaiting();
  };
  event.waitUntil(store());
});

self.addEventListener("activate", (event) => {
  const clean = async () => {
    for (const name of await caches.keys()) {
      if (name !== CACHE) {
        await caches.delete(name);
      }
    }
    await self.registration.navigationPreload?.enable();
    await self.clients.claim();
  };
  event.waitUntil(clean());
});

/** Whether a proxy answers in the place of the server. */
function isAway({ status, headers }) {
  return [502, 503, 504].includes(status) && !headers.has("X-Request-ID");
}

async function page(event) {
  try {
    const response = (await event.preloadResponse) ?? (await fetch(event.request));
    return isAway(response) ? ((await caches.match(OFFLINE)) ?? response) : response;
  } catch (error) {
    return (await caches.match(OFFLINE)) ?? Promise.reject(error);
  }
}

self.addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method !== "GET") {
    return; // the browser offers to send a form again
  }
  if (request.mode === "navigate") {
    event.respondWith(page(event));
  } else if (SHELL.includes(new URL(request.url).pathname)) {
    event.respondWith(caches.match(request).then((found) => found ?? fetch(request)));
  }
});
