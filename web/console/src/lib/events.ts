// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Pages of events, newest first, joined without repeats.

import type { EventRow } from '../api/types';

const same = (a: EventRow, b: EventRow) =>
  a.at === b.at && a.kind === b.kind && a.text === b.text && a.room === b.room && a.identity === b.identity && a.who === b.who;

/** `newer` first, then what `older` has besides. */
export function mergeEvents(newer: EventRow[], older: EventRow[]): EventRow[] {
  const oldest = newer[newer.length - 1]?.at ?? Infinity;
  const rest = older.filter((one) => one.at < oldest || (one.at === oldest && !newer.some((other) => same(one, other))));
  // What came between two questions pushed others out of the newest page: they are in neither.
  const pushed = older.filter((one) => one.at > oldest && !newer.some((other) => same(one, other)));
  return [...newer, ...pushed, ...rest].sort((a, b) => b.at - a.at);
}
