// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

import { expect, test } from 'vitest';
import { last, linePaths, most, ticks, timeTicks } from './scale';

test('ticks are round and reach the highest value', () => {
  expect(ticks(10)).toEqual([0, 2.5, 5, 7.5, 10]);
  expect(ticks(97)).toEqual([0, 25, 50, 75, 100]);
  expect(ticks(0)).toEqual([0, 0.25, 0.5, 0.75, 1]);
  expect(ticks(3, 4, true)).toEqual([0, 1, 2, 3]);
  for (let top = 0.01; top < 1e9; top *= 1.37) {
    const made = ticks(top);
    expect(made[made.length - 1]).toBeGreaterThanOrEqual(top * 0.999);
    expect(made.length).toBeLessThanOrEqual(6);
  }
});

test('times stand at round moments of the local clock', () => {
  const from = Date.UTC(2026, 0, 1, 10, 7);
  const found = timeTicks(from, from + 3_600_000, 6, 0);
  expect(found.map((at) => new Date(at).getUTCMinutes())).toEqual([10, 20, 30, 40, 50, 0]);
  const half = timeTicks(from, from + 10 * 86_400_000, 5, 5.5 * 3_600_000);
  expect(half.every((at) => (at + 5.5 * 3_600_000) % 86_400_000 === 0)).toBe(true);
  expect(timeTicks(from, from, 5, 0).length).toBeLessThanOrEqual(1);
});

test('a gap lifts the pen; a value alone is a dot', () => {
  const box = { width: 30, height: 10, top: 10 };
  expect(linePaths([0, 10, null, 5], box)).toEqual({ line: 'M0 10L10 0', dots: 'M30 5h0.1' });
  expect(linePaths([4, null, 10, 0], box).line).toBe('M20 0L30 10');
  expect(linePaths([null, null], box)).toEqual({ line: '', dots: '' });
  expect(linePaths([], box)).toEqual({ line: '', dots: '' });
});

test('the highest and the last value skip what is not known', () => {
  expect(most([1, null, 7, 2])).toBe(7);
  expect(last([1, 3, null])).toBe(3);
  expect(last([null])).toBeNull();
});
