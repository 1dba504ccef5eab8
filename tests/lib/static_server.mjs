// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Serves the test page, the shared modules and livekit-client to browsers; or a folder.

import fs from 'node:fs/promises';
import http from 'node:http';
import path from 'node:path';

import { ROOT } from './server.mjs';

const kClient = 'tests/node_modules/livekit-client/dist/livekit-client';
const kTypes = {
  '.html': 'text/html', '.js': 'text/javascript', '.mjs': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml', '.png': 'image/png',
};

function file_of(url) {
  const { pathname } = new URL(url, 'http://localhost');
  if (pathname === '/') return 'tests/browser/page/index.html';
  if (pathname === '/livekit-client.mjs') return `${kClient}.esm.mjs`;
  if (pathname === '/e2ee-worker.mjs') return `${kClient}.e2ee.worker.mjs`;
  if (pathname === '/fm-worker.mjs') return `${kClient}.fm.worker.mjs`;
  if (/^\/page\/[\w.]+$/.test(pathname)) return `tests/browser${pathname}`;
  if (pathname === '/lib/picture.mjs') return `tests${pathname}`;
  return undefined;
}

// Returns the address of the page. `pages`: further ones, as text by path.
export async function start_page_server(suite, pages = {}) {
  const server = http.createServer(async (request, response) => {
    const text = pages[new URL(request.url, 'http://localhost').pathname];
    if (text) {
      response.writeHead(200, { 'Content-Type': kTypes['.html'] }).end(text);
      return;
    }
    const file = file_of(request.url);
    if (!file) {
      response.writeHead(404).end();
      return;
    }
    response.writeHead(200, { 'Content-Type': kTypes[path.extname(file)] });
    response.end(await fs.readFile(path.join(ROOT, file)));
  });
  return listen(suite, server);
}

// Returns the address under which the files of `folder` stand.
export async function serve_folder(suite, folder) {
  const server = http.createServer(async (request, response) => {
    const file = path.join(folder, decodeURIComponent(new URL(request.url, 'http://localhost').pathname));
    const content = file.startsWith(folder + path.sep) ? await fs.readFile(file).catch(() => undefined) : undefined;
    if (content) response.writeHead(200, { 'Content-Type': kTypes[path.extname(file)] ?? 'text/plain' }).end(content);
    else response.writeHead(404).end();
  });
  return listen(suite, server);
}

async function listen(suite, server) {
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  suite.cleanup(() => {
    server.closeAllConnections?.();
    server.close();
  });
  return `http://localhost:${server.address().port}/`;
}
