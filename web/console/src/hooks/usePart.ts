// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A long list of which only the part on the screen is asked for.

import { useCallback, useState } from 'react';
import { firstPart, type Part, partFor, type Range } from '../lib/rows';
import { type Polled, usePoll } from './usePoll';

export interface ListPart<Row> {
  total: number | undefined;
  offset: number;
  rows: Row[];
  onRange: (range: Range) => void;
  polled: Polled<unknown>;
}

/** `name` is the field of the answer with the rows. */
export function usePart<Row>(
  path: string, name: string, params: Record<string, string>, everyMs: number,
): ListPart<Row> {
  const [part, setPart] = useState<Part>(firstPart);
  const onRange = useCallback((range: Range) => setPart((known) => partFor(range, known)), []);
  const polled = usePoll<Record<string, unknown>>(path, { everyMs, keep: true, params: { ...params, ...part } });
  // The answer does not say where it begins; what was asked does.
  const offset = Number(new URLSearchParams(polled.answers.split('?')[1]).get('offset') ?? 0);
  const { total, [name]: rows } = polled.data ?? {};
  return { total: total as number | undefined, offset, rows: (rows ?? []) as Row[], onRange, polled };
}
