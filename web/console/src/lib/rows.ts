// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Which rows of a long list are drawn, and which part of it is asked for.

export interface Range {
  first: number;
  /** One behind the last. */
  end: number;
}

const overscan = 8;
const grain = 4;

/** The rows between `scrolled` and the height of the window, and a few more; in steps, so that small
 *  movements change nothing. */
export function visibleRange(scrolled: number, windowHeight: number, rowHeight: number, total: number): Range {
  const first = Math.floor(Math.max(0, scrolled / rowHeight - overscan) / grain) * grain;
  const end = Math.ceil((Math.max(0, scrolled + windowHeight) / rowHeight + overscan) / grain) * grain;
  const begin = Math.min(first, Math.max(0, total - 1));
  return { first: begin, end: Math.min(total, Math.max(end, begin)) };
}

export interface Part {
  offset: number;
  limit: number;
}

export const firstPart: Part = { offset: 0, limit: 120 };
const margin = 60;

/** The part to ask for when `range` is on the screen; the known one as long as it holds the range. */
export function partFor(range: Range, known: Part): Part {
  if (range.first >= known.offset && range.end <= known.offset + known.limit) return known;
  const offset = Math.max(0, range.first - margin);
  return { offset, limit: range.end + margin - offset };
}

/** Where the focus goes from row `index` by a key; undefined for keys that are not ours. */
export function rowByKey(key: string, index: number, total: number, page: number): number | undefined {
  const steps: Record<string, number> = {
    ArrowDown: index + 1, ArrowUp: index - 1, PageDown: index + page, PageUp: index - page, Home: 0, End: total - 1,
  };
  const target = steps[key];
  return target === undefined ? undefined : Math.min(total - 1, Math.max(0, target));
}
