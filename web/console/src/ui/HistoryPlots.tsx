// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The plots that history has: which series share one, and their units.

import type { History } from '../api/types';
import { count, percent, rateOfBytes } from '../lib/format';
import { strings } from '../strings';
import { Plot, type PlotProps } from './Plot';

export type PlotName = keyof typeof strings.history.plots;

type Kind = Pick<PlotProps, 'format' | 'atLeast' | 'steps' | 'whole'> & { series: string[] };

const score = (value: number | null) => (value === null ? strings.none : value.toFixed(1));

const kinds: Record<PlotName, Kind> = {
  participants: { series: ['participants'], format: count, atLeast: 4, whole: true },
  rooms: { series: ['rooms'], format: count, atLeast: 4, whole: true },
  traffic: { series: ['bytes_in', 'bytes_out'], format: rateOfBytes },
  joins: { series: ['joins', 'refused'], format: count, atLeast: 4, whole: true },
  cpu: { series: ['cpu'], format: percent, atLeast: 1, steps: 4 },
  quality: { series: ['quality'], format: score, atLeast: 5, steps: 5 },
};

export const allPlots = Object.keys(kinds) as PlotName[];

export function HistoryPlots({ history, which }: { history: History; which: PlotName[] }) {
  return (
    <div className="plots">
      {which.map((name) => {
        const { series, ...kind } = kinds[name];
        const lines = series.map((one) => ({ label: strings.history.series[one] ?? one, values: history.series[one] ?? [] }));
        return <Plot key={name} title={strings.history.plots[name]} lines={lines} from={history.from} stepMs={history.step_ms} {...kind} />;
      })}
    </div>
  );
}
