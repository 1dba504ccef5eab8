// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Axes of plots: round steps, and the path of a line with its gaps.

import type { Values } from '../api/types';

/** Pixels from the top of a plot to its axis of time. */
export const plotHeight = 120;

const niceFactors = [1, 2, 2.5, 5, 10];

/** Round values from 0 to at least `most`, about `wanted` steps. */
export function ticks(most: number, wanted = 4, whole = false): number[] {
  const top = most > 0 ? most : 1;
  const raw = top / wanted;
  const power = 10 ** Math.floor(Math.log10(raw));
  const factor = niceFactors.find((one) => one * power >= raw * 0.999) ?? 10;
  const step = whole ? Math.max(1, Math.ceil(factor * power)) : factor * power;
  const steps = Math.ceil(top / step - 1e-9);
  return Array.from({ length: steps + 1 }, (_, index) => index * step);
}

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;
const timeSteps = [1, 5, 10, 15, 30].map((one) => one * minute).concat([1, 2, 3, 6, 12].map((one) => one * hour), [1, 2, 5, 10].map((one) => one * day));

/** Round local times between `from` and `to`, at most `wanted`. */
export function timeTicks(from: number, to: number, wanted: number, zoneMs = -new Date(from).getTimezoneOffset() * minute): number[] {
  const step = timeSteps.find((one) => (to - from) / one <= wanted) ?? (to - from || 1);
  const found: number[] = [];
  for (let at = Math.ceil((from + zoneMs) / step) * step - zoneMs; at <= to; at += step) found.push(at);
  return found;
}

export interface Box {
  width: number;
  height: number;
  top: number;
}

/** Where value `index` of `length` stands. */
export const xOf = (index: number, length: number, width: number) => (length > 1 ? (index / (length - 1)) * width : width / 2);
export const yOf = (value: number, { height, top }: Box) => height - (value / top) * height;

const short = (value: number) => String(Math.round(value * 10) / 10);

/** SVG paths: of the lines, where null lifts the pen, and of the values that stand alone, as dots. */
export function linePaths(values: Values, box: Box): { line: string; dots: string } {
  let line = '';
  let dots = '';
  values.forEach((value, index) => {
    if (value === null) return;
    const first = (values[index - 1] ?? null) === null;
    const point = `${short(xOf(index, values.length, box.width))} ${short(yOf(value, box))}`;
    if (first && (values[index + 1] ?? null) === null) dots += `M${point}h0.1`;
    else line += (first ? 'M' : 'L') + point;
  });
  return { line, dots };
}

export function most(values: Values): number {
  return values.reduce<number>((top, value) => Math.max(top, value ?? 0), 0);
}

export function last(values: Values): number | null {
  for (let index = values.length - 1; index >= 0; --index) {
    const value = values[index];
    if (value !== null && value !== undefined) return value;
  }
  return null;
}
