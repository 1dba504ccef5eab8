// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Samples getStats of every track of the room once per second while the panel is open.

import type { Room, TrackPublication } from 'livekit-client';
import { useEffect, useRef, useState } from 'react';
import { readSamples, type Line, type Sample, toLine } from '../lib/stats';

export interface StatsLine extends Line {
  key: string;
  identity: string;
  source: string;
}

const intervalMs = 1000;

function publications(room: Room): { identity: string; publication: TrackPublication }[] {
  const everybody = [room.localParticipant, ...room.remoteParticipants.values()];
  return everybody.flatMap((who) =>
    [...who.trackPublications.values()].map((publication) => ({ identity: who.identity, publication })),
  );
}

async function collect(room: Room, before: Map<string, Sample>): Promise<StatsLine[]> {
  const lines: StatsLine[] = [];
  for (const { identity, publication } of publications(room)) {
    const report = await publication.track?.getRTCStatsReport().catch(() => undefined);
    const entries: Record<string, unknown>[] = [];
    report?.forEach((entry: Record<string, unknown>) => entries.push(entry));
    for (const sample of readSamples(entries)) {
      const key = `${publication.trackSid}/${sample.id}`;
      lines.push({ ...toLine(sample, before.get(key)), key, identity, source: publication.source });
    }
  }
  before.clear();
  for (const line of lines) before.set(line.key, line);
  return lines;
}

export function useStats(room: Room): StatsLine[] {
  const [lines, setLines] = useState<StatsLine[]>([]);
  const before = useRef(new Map<string, Sample>());
  useEffect(() => {
    let stopped = false;
    let timer = 0;
    const round = async () => {
      const fresh = await collect(room, before.current);
      if (stopped) return;
      setLines(fresh);
      timer = window.setTimeout(round, intervalMs);
    };
    void round();
    return () => {
      stopped = true;
      window.clearTimeout(timer);
    };
  }, [room]);
  return lines;
}
