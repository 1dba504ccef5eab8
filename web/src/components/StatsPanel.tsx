// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What getStats says about every track, one row per RTP stream.

import type { Room } from 'livekit-client';
import { type StatsLine, useStats } from '../hooks/useStats';
import { strings } from '../strings';

const none = strings.stats.none;
const fixed = (value: number | null, digits: number, unit = '') =>
  value === null ? none : `${value.toFixed(digits)}${unit}`;

function picture(line: StatsLine): string {
  if (!line.width) return none;
  return `${line.width}×${line.height} · ${Math.round(line.fps)} fps`;
}

function Row({ line }: { line: StatsLine }) {
  return (
    <tr
      data-testid="stats-row" data-participant={line.identity} data-source={line.source} data-direction={line.direction}
      data-codec={line.codec} data-kbps={line.kbps?.toFixed(0)} data-width={line.width} data-height={line.height}
    >
      <th scope="row">{line.identity} · {line.source}</th>
      <td>{strings.stats[line.direction]}</td>
      <td>{line.codec || none}</td>
      <td>{line.layer || none}</td>
      <td>{picture(line)}</td>
      <td>{fixed(line.kbps, 0)}</td>
      <td>{fixed(line.lossPercent, 1, ' %')}</td>
      <td>{fixed(line.jitterMs, 1, ' ms')}</td>
      <td>{fixed(line.freezes, 0)}</td>
    </tr>
  );
}

export function StatsPanel({ room }: { room: Room }) {
  const lines = useStats(room);
  if (lines.length === 0) return <p className="muted">{strings.stats.empty}</p>;
  return (
    <div className="scroll" role="region" aria-label={strings.stats.heading} tabIndex={0}>
      <table>
        <thead>
          <tr>{strings.stats.columns.map((column) => <th key={column} scope="col">{column}</th>)}</tr>
        </thead>
        <tbody>{lines.map((line) => <Row key={line.key} line={line} />)}</tbody>
      </table>
    </div>
  );
}
