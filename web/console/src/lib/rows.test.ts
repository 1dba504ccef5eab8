// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

import { expect, test } from 'vitest';
import { firstPart, partFor, rowByKey, visibleRange } from './rows';

test('of 2000 rows those on the screen are drawn, and a few more', () => {
  expect(visibleRange(0, 700, 35, 2000)).toEqual({ first: 0, end: 28 });
  const middle = visibleRange(35_000, 700, 35, 2000);
  expect(middle.first).toBeLessThanOrEqual(1000);
  expect(middle.end).toBeGreaterThanOrEqual(1020);
  expect(middle.end - middle.first).toBeLessThan(50);
});

test('the ends of the list are not passed', () => {
  expect(visibleRange(-500, 700, 35, 3)).toEqual({ first: 0, end: 3 });
  expect(visibleRange(1e6, 700, 35, 2000)).toEqual({ first: 1999, end: 2000 });
  expect(visibleRange(0, 700, 35, 0)).toEqual({ first: 0, end: 0 });
});

test('a part is asked for again only when it lacks a row', () => {
  expect(partFor({ first: 0, end: 120 }, firstPart)).toBe(firstPart);
  const next = partFor({ first: 100, end: 140 }, firstPart);
  expect(next).toEqual({ offset: 40, limit: 160 });
  expect(partFor({ first: 1999, end: 2000 }, next)).toEqual({ offset: 1939, limit: 121 });
});

test('keys move the focus within the list', () => {
  expect(rowByKey('ArrowDown', 1999, 2000, 20)).toBe(1999);
  expect(rowByKey('ArrowUp', 0, 2000, 20)).toBe(0);
  expect(rowByKey('PageDown', 5, 2000, 20)).toBe(25);
  expect(rowByKey('End', 5, 2000, 20)).toBe(1999);
  expect(rowByKey('Home', 5, 2000, 20)).toBe(0);
  expect(rowByKey('x', 5, 2000, 20)).toBeUndefined();
});
