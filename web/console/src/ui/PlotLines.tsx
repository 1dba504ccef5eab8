// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The inside of a plot: grid, axes, lines, and the chosen moment.

import { memo } from 'react';
import { tickTime } from '../lib/format';
import { linePaths, most, plotHeight, ticks, timeTicks, xOf, yOf } from '../lib/scale';
import type { PlotProps } from './Plot';

interface Props extends PlotProps {
  left: number;
  width: number;
  chosen: number | null;
}

const topSpace = 6;
const height = plotHeight - topSpace;

function Axes({ from, span, width, marks, format }: { from: number; span: number; width: number; marks: number[]; format: PlotProps['format'] }) {
  const top = marks[marks.length - 1] ?? 1;
  return (
    <>
      {marks.map((value) => {
        const y = yOf(value, { width, height, top });
        return (
          <g key={value}>
            <line className="plot__grid" x1={0} x2={width} y1={y} y2={y} />
            <text className="plot__text" x={-6} y={y + 4} textAnchor="end">{format(value)}</text>
          </g>
        );
      })}
      {timeTicks(from, from + span, Math.max(2, Math.floor(width / 80))).map((at) => {
        const x = ((at - from) / (span || 1)) * width;
        const anchor = x < 20 ? 'start' : x > width - 20 ? 'end' : 'middle';
        return <text key={at} className="plot__text" x={x} y={height + 16} textAnchor={anchor}>{tickTime(at, span)}</text>;
      })}
    </>
  );
}

export const PlotLines = memo(function PlotLines({ lines, from, stepMs, format, atLeast = 0, steps = 3, whole, left, width, chosen }: Props) {
  const length = Math.max(0, ...lines.map((line) => line.values.length));
  const marks = ticks(Math.max(atLeast, ...lines.map((line) => most(line.values))), steps, whole);
  const box = { width, height, top: marks[marks.length - 1] ?? 1 };
  const x = chosen === null ? 0 : xOf(chosen, length, width);
  return (
    <g transform={`translate(${left} ${topSpace})`}>
      <Axes from={from} span={stepMs * Math.max(0, length - 1)} width={width} marks={marks} format={format} />
      {lines.map(({ label, values }, index) => {
        const { line, dots } = linePaths(values, box);
        return (
          <g key={label} className={`plot__line plot__line--${index}`}>
            <path d={line} />
            <path className="plot__alone" d={dots} />
          </g>
        );
      })}
      {chosen !== null && <line className="plot__cursor" x1={x} x2={x} y1={0} y2={height} />}
      {chosen !== null && lines.map(({ label, values }, index) => {
        const value = values[chosen] ?? null;
        return value === null ? null : <circle key={label} className={`plot__dot plot__dot--${index}`} cx={x} cy={yOf(value, box)} r={3} />;
      })}
    </g>
  );
});
