// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

import { expect, test } from 'vitest';
import { bitrate, count, daysLeft, duration, localInput, millis, percent, rateOfBytes } from './format';

test('rates go to the next unit before they have four digits', () => {
  expect(bitrate(0)).toBe('0 bit/s');
  expect(bitrate(999)).toBe('999 bit/s');
  expect(bitrate(999.6)).toBe('1 kbit/s');
  expect(bitrate(1500)).toBe('1.5 kbit/s');
  expect(bitrate(2.345e6)).toBe('2.35 Mbit/s');
  expect(bitrate(12.34e9)).toBe('12.3 Gbit/s');
  expect(rateOfBytes(125_000)).toBe('1 Mbit/s');
});

test('what is not known is a dash, not a zero', () => {
  for (const text of [bitrate(undefined), count(null), percent(NaN), millis(0), duration(undefined), rateOfBytes(null)]) expect(text).toBe('–');
});

test('a duration names its two largest units', () => {
  expect(duration(0)).toBe('0 s');
  expect(duration(63_000)).toBe('1 min 3 s');
  expect(duration(3_600_000)).toBe('1 h');
  expect(duration(90_061_000)).toBe('1 d 1 h');
  expect(duration(-5)).toBe('0 s');
});

test('days left are whole days, and negative afterwards', () => {
  const day = 86_400_000;
  expect(daysLeft(10 * day, 9 * day)).toBe(1);
  expect(daysLeft(10 * day - 1, 9 * day)).toBe(0);
  expect(daysLeft(8 * day, 9 * day)).toBe(-1);
});

test('shares are written in percent', () => {
  expect(percent(0.1234)).toBe('12.3 %');
  expect(percent(0.004)).toBe('0.4 %');
});

test('an input gets the time of the reader, and gives it back', () => {
  const at = Date.UTC(2026, 4, 3, 10, 20);
  expect(new Date(localInput(at)).getTime()).toBe(at);
});
