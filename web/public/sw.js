// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The service worker: keeps the page itself, so that it opens without a network and says what is
// missing. It keeps nothing else: no token, no address with a room or a name, nothing of the API.

const cacheName = 'confab-meet-1';
const shell = './';
const kept = [shell, 'icon.svg', 'icon-192.png', 'meet.webmanifest'];
const maxAssets = 60;

/** The page and the files that it names. */
async function keep() {
  const cache = await caches.open(cacheName);
  await cache.addAll(kept);
  const text = await (await cache.match(shell)).text();
  await cache.addAll([...new Set(text.match(/assets\/[\w.-]+/g))]);
  await self.skipWaiting();
}

self.addEventListener('install', (event) => {
  event.waitUntil(keep());
});

self.addEventListener('activate', (event) => {
  event.waitUntil((async () => {
    for (const name of await caches.keys()) if (name !== cacheName) await caches.delete(name);
    await self.clients.claim();
  })());
});

/** From the network while there is one, under the one name of the shell. */
async function page(request) {
  const cache = await caches.open(cacheName);
  try {
    const answer = await fetch(request);
    const isPage = (answer.headers.get('Content-Type') ?? '').startsWith('text/html');
    if (answer.ok && isPage) await cache.put(shell, answer.clone());
    return answer;
  } catch (error) {
    const known = await cache.match(shell);
    if (known) return known;
    throw error;
  }
}

/** Built files carry a digest of their content in the name: what is known stays right. */
async function asset(request) {
  const cache = await caches.open(cacheName);
  const known = await cache.match(request);
  if (known) return known;
  const answer = await fetch(request);
  if (answer.ok) {
    await cache.put(request, answer.clone());
    const assets = (await cache.keys()).filter(({ url }) => url.includes('/assets/'));
    for (const old of assets.slice(0, Math.max(0, assets.length - maxAssets))) await cache.delete(old);
  }
  return answer;
}

self.addEventListener('fetch', (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  const scope = new URL(self.registration.scope).pathname;
  if (request.method !== 'GET' || origin !== self.location.origin || !pathname.startsWith(scope)) return;
  if (request.mode === 'navigate') event.respondWith(page(request));
  else if (pathname.startsWith(`${scope}assets/`)) event.respondWith(asset(request));
});
