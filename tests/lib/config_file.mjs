// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// The file that start_server wrote, a line of JSON for each key, and changes of it.

import fs from 'node:fs';

export function read_config(file) {
  const lines = fs.readFileSync(file, 'utf8').trim().split('\n');
  return Object.fromEntries(lines.map((line) => {
    const colon = line.indexOf(': ');
    return [line.slice(0, colon), JSON.parse(line.slice(colon + 2))];
  }));
}

export function change(file, config) {
  const next = { ...read_config(file), ...config };
  fs.writeFileSync(file, Object.entries(next).map(([key, value]) => `${key}: ${JSON.stringify(value)}\n`).join(''));
}
