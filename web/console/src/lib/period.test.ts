// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

import { expect, test } from 'vitest';
import { periodOf } from './period';

const now = Date.UTC(2026, 1, 3, 10, 0, 7);
const hour = 3_600_000;

test('the last hours end at a round moment', () => {
  expect(periodOf({ range: '6h' }, now)).toEqual({ name: '6h', from: now - 7000 - 6 * hour, to: now - 7000 });
});

test('a day when nothing or nonsense is chosen', () => {
  for (const params of [{}, { range: '9y' }]) expect(periodOf(params as Record<string, string>, now).name).toBe('24h');
});

test('from one moment to another', () => {
  expect(periodOf({ range: 'custom', from: '5', to: '9' }, now)).toEqual({ name: 'custom', from: 5, to: 9 });
  expect(periodOf({ range: 'custom', from: 'x', to: '' }, now)).toEqual({ name: 'custom', from: now - 7000 - hour, to: now - 7000 });
});
