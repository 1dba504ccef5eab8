// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// The files that a page of the documentation shows, as a reader copies them: blocks of code whose first line names
// their file. What differs is the address and the keys of the server.

import fs from 'node:fs';
import path from 'node:path';

import { KEY, ROOT, SECRET } from '../lib/server.mjs';

export const kPython = path.join(ROOT, 'tests/agents/sdk/.venv/bin/python');

// Name → text of each block of `page`, in the languages (as behind ```, joined by |) that are looked for.
export function shown_files(page, languages, server) {
  const whole = fs.readFileSync(path.join(ROOT, 'docs', page), 'utf8');
  const files = {};
  for (const [, text] of whole.matchAll(new RegExp(`^\`\`\`(?:${languages})\n(.*?)^\`\`\``, 'gms'))) {
    const name = text.match(/^(?:\/\/|#|<!--) (\S+) – /)?.[1];
    if (!name) throw new Error(`${page}: a block without a file's name: ${text.slice(0, 60)}`);
    files[name] = text.replaceAll('ws://localhost:7880', server.ws).replaceAll('http://localhost:7880', server.http)
      .replaceAll(/(["'])devkey\1/g, `$1${KEY}$1`).replaceAll(/(["'])secret\1/g, `$1${SECRET}$1`);
  }
  if (Object.keys(files).length === 0) throw new Error(`${page} shows no file`);
  return files;
}

// Writes them into a new folder below `parent`, where packages are found; it goes with the suite.
export function lay_out(suite, files, parent) {
  const folder = fs.mkdtempSync(path.join(parent, '.shown-'));
  suite.cleanup(() => fs.rmSync(folder, { recursive: true }));
  for (const [name, text] of Object.entries(files)) fs.writeFileSync(path.join(folder, name), text);
  return folder;
}
