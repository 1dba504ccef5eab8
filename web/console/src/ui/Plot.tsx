// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Lines over time, as SVG of our own. What the pointer or the arrow keys choose is written above.

import { type KeyboardEvent, type PointerEvent, useEffect, useId, useRef, useState } from 'react';
import type { Values } from '../api/types';
import { fullTime, time } from '../lib/format';
import { last, most, plotHeight } from '../lib/scale';
import { strings } from '../strings';
import { PlotLines } from './PlotLines';

export interface Line {
  label: string;
  values: Values;
}

export interface PlotProps {
  title: string;
  lines: Line[];
  from: number;
  stepMs: number;
  format: (value: number | null) => string;
  /** The least top of the axis. */
  atLeast?: number;
  /** About how many steps the axis has. */
  steps?: number;
  /** Nothing is between whole numbers. */
  whole?: boolean;
}

const margin = { left: 64, right: 8 };

function useWidth() {
  const box = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(320);
  useEffect(() => {
    if (!box.current) return;
    const watcher = new ResizeObserver(([entry]) => entry && setWidth(Math.max(200, Math.floor(entry.contentRect.width))));
    watcher.observe(box.current);
    return () => watcher.disconnect();
  }, []);
  return { box, width };
}

function summary({ lines, format }: PlotProps): string {
  return lines.map(({ label, values }) => {
    const known = values.filter((value) => value !== null);
    if (known.length === 0) return `${label}: ${strings.history.nothing}`;
    return strings.history.summary(label, format(Math.min(...known)), format(most(known)), format(last(known)));
  }).join('; ');
}

function Legend({ props, chosen }: { props: PlotProps; chosen: number | null }) {
  const { lines, from, stepMs, format } = props;
  const at = chosen === null ? null : from + chosen * stepMs;
  return (
    <p className="plot__legend" aria-live={chosen === null ? 'off' : 'polite'} data-testid="plot-legend">
      {lines.map(({ label, values }, index) => (
        <span key={label} className="plot__key">
          <span className={`swatch swatch--${index}`} aria-hidden="true" />
          {label} <strong>{format(chosen === null ? last(values) : (values[chosen] ?? null))}</strong>
        </span>
      ))}
      {at !== null && <time dateTime={new Date(at).toISOString()} title={fullTime(at)}>{time(at)}</time>}
    </p>
  );
}

export function Plot(props: PlotProps) {
  const { title, lines } = props;
  const { box, width } = useWidth();
  const heading = useId();
  const [chosen, setChosen] = useState<number | null>(null);
  const length = Math.max(0, ...lines.map((line) => line.values.length));
  const inner = width - margin.left - margin.right;
  const point = (event: PointerEvent<SVGSVGElement>) => {
    const share = (event.clientX - event.currentTarget.getBoundingClientRect().left - margin.left) / inner;
    setChosen(length > 0 ? Math.min(length - 1, Math.max(0, Math.round(share * (length - 1)))) : null);
  };
  const move = (event: KeyboardEvent) => {
    const steps: Record<string, number | undefined> = { ArrowLeft: -1, ArrowRight: 1, Home: -length, End: length };
    const step = steps[event.key];
    if (step === undefined || length === 0) return;
    event.preventDefault();
    setChosen((old) => Math.min(length - 1, Math.max(0, (old ?? length - 1) + step)));
  };
  return (
    <figure className="plot" aria-labelledby={heading} data-testid="plot">
      <figcaption id={heading}>{title}</figcaption>
      <Legend props={props} chosen={chosen} />
      <div ref={box}>
        <svg
          role="img" aria-label={`${title}. ${summary(props)}. ${strings.history.hint}`} tabIndex={0} width={width} height={plotHeight + 24}
          onPointerMove={point} onPointerLeave={() => setChosen(null)} onKeyDown={move} onBlur={() => setChosen(null)}
        >
          <PlotLines {...props} left={margin.left} width={inner} chosen={chosen} />
        </svg>
      </div>
    </figure>
  );
}
