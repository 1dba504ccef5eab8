// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A text as the path of a QR code: one square for each dark module, with the quiet zone around.

import { encode } from 'uqr';

const quietZone = 4;

/** null: the text is too long for a code. */
export function qrPath(text: string): { size: number; path: string } | null {
  try {
    const { size, data } = encode(text, { ecc: 'M', border: quietZone });
    const path = data.flatMap((row, y) => row.map((dark, x) => (dark ? `M${x} ${y}h1v1h-1z` : ''))).join('');
    return { size, path };
  } catch {
    return null;
  }
}
