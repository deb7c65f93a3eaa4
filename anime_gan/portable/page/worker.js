// Keeps the files of the page, so that it works offline after the first visit.

const FILES = []; // Filled in by anime_gan.portable.
const WEBGPU_FILES = []; // Filled in by anime_gan.portable.
const NAME = "anime_gan-VERSION"; // Filled in by anime_gan.portable.
// The page asks for the large files of graphics cards only where there is one.
const KEPT = self.location.search === "?webgpu" ? [...FILES, ...WEBGPU_FILES] : FILES;

self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(NAME).then((cache) => cache.addAll(KEPT)).then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  const outdated = (name) => name.startsWith("anime_gan-") && name !== NAME;
  event.waitUntil(
    caches.keys().then((names) => Promise.all(names.filter(outdated).map((name) => caches.delete(name)))),
  );
});

self.addEventListener("fetch", (event) => {
  if (event.request.method !== "GET" || !event.request.url.startsWith(self.registration.scope)) return;
  event.respondWith(caches.match(event.request, { ignoreSearch: true }).then((found) => found ?? fetch(event.request)));
});
