// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// What participants show and sound like, for Node and for pages. A picture is a row of vertical
// bars, white for one, black for zero; it survives scaling and strong compression:
//
//   | 1 | 0 | number, 6 bits | counter, 8 bits | check, 4 bits |
//
// `number` names the participant, `counter` the frame. The tone of a participant is a sine whose
// frequency follows from its number.

export const kBars = 20;
const kMinContrast = 40;

export const tone_of = (number) => 400 + 100 * number;
export const kTones = Array.from({ length: 30 }, (_, index) => tone_of(index + 1));

const check_of = (number, counter) =>
  ((number & 15) ^ (number >> 4) ^ (counter & 15) ^ (counter >> 4) ^ 9) & 15;

function push_bits(bars, value, count) {
  for (let bit = count - 1; bit >= 0; --bit) bars.push((value >> bit) & 1);
}

export function bars_of(number, counter) {
  const bars = [1, 0];
  push_bits(bars, number & 63, 6);
  push_bits(bars, counter & 255, 8);
  push_bits(bars, check_of(number & 63, counter & 255), 4);
  return bars;
}

// `luma(fraction)` is the brightness 0–255 at that part of the picture's width. Returns
// {number, counter}, or undefined when it shows no valid bars.
export function read_bars(luma) {
  const values = Array.from({ length: kBars }, (_, bar) => luma((bar + 0.5) / kBars));
  if (values[0] - values[1] < kMinContrast) return undefined;
  const middle = (values[0] + values[1]) / 2;
  const bits = (from, count) =>
    values.slice(from, from + count).reduce((sum, value) => sum * 2 + (value > middle ? 1 : 0), 0);
  const number = bits(2, 6);
  const counter = bits(8, 8);
  return bits(16, 4) === check_of(number, counter) ? { number, counter } : undefined;
}

// What a receiver knows of one sender's picture.
export class PictureLog {
  number = undefined;
  counter = undefined;
  changes = 0;
  frames = 0;
  invalid = 0;
  width = 0;
  height = 0;
  first = 0;

  add(width, height, luma) {
    this.frames += 1;
    this.width = width;
    this.height = height;
    const read = read_bars(luma);
    if (!read) {
      this.invalid += 1;
      return;
    }
    this.first ||= Date.now();
    if (read.number !== this.number || read.counter !== this.counter) this.changes += 1;
    this.number = read.number;
    this.counter = read.counter;
  }
}
