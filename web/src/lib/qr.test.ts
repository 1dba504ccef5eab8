// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

import { expect, test } from 'vitest';
import { qrPath } from './qr';

const dark = (path: string, x: number, y: number) => path.includes(`M${x} ${y}h1v1h-1z`);

test('a link becomes a code with finders in three corners and a quiet zone', () => {
  const code = qrPath('https://call.example/demo/?room=standup~0123456789abcdef#key=abcdefghijklmnopqrstuv');
  expect(code).not.toBeNull();
  const { size, path } = code ?? { size: 0, path: '' };
  expect((size - 8 - 17) % 4).toBe(0); // 17 + 4 × version modules, and four of quiet on each side
  for (const [x, y] of [[4, 4], [size - 11, 4], [4, size - 11]] as const) {
    for (const step of [0, 6]) expect(dark(path, x + step, y)).toBe(true);
    expect(dark(path, x + 1, y + 1)).toBe(false);
    expect(dark(path, x + 3, y + 3)).toBe(true);
  }
  for (let at = 0; at < size; ++at) expect(dark(path, at, 3) || dark(path, 3, at)).toBe(false);
});

test('what no code can hold is none', () => {
  expect(qrPath('a'.repeat(4000))).toBeNull();
});
