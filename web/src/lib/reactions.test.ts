// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

import { expect, test } from 'vitest';
import { decodeReaction, encodeReaction, handOf, reactions } from './reactions';

test('every reaction survives the way', () => {
  for (const reaction of reactions) expect(decodeReaction(encodeReaction(reaction))).toBe(reaction);
});

test.each(['', 'x', '👍👍', '<b>', '👍'.repeat(100)])('%s is no reaction', (text) => {
  expect(decodeReaction(new TextEncoder().encode(text))).toBeNull();
});

test.each([[{}, 0], [{ hand: '' }, 0], [{ hand: 'x' }, 0], [{ hand: '-1' }, 0], [{ hand: '1700000000000' }, 1_700_000_000_000]])(
  'attributes %j: hand since %i', (attributes, since) => {
    expect(handOf(attributes)).toBe(since);
  });
