// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The time that history is shown of: the last hours or days, or from one moment to another.

const hour = 3_600_000;
const spans = { '1h': hour, '6h': 6 * hour, '24h': 24 * hour, '7d': 168 * hour, '30d': 720 * hour };

export const periods = ['1h', '6h', '24h', '7d', '30d', 'custom'] as const;
export type PeriodName = (typeof periods)[number];

export interface Period {
  name: PeriodName;
  from: number;
  to: number;
}

/** Ends at a round moment, so that a plot does not shiver and the same question has the same answer. */
const grainMs = 15_000;

export function periodOf(params: Record<string, string>, now: number): Period {
  const name = periods.find((one) => one === params.range) ?? '24h';
  const to = Math.floor(now / grainMs) * grainMs;
  if (name !== 'custom') return { name, from: to - spans[name], to };
  return { name, from: Number(params.from) || to - hour, to: Number(params.to) || to };
}
