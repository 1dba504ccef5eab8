// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What a room is: its limits, metadata and data messages. Folded away on demand, and on phones until then.

import { type ReactNode, useState } from 'react';
import type { RoomDetail } from '../../api/types';
import { onPhone } from '../../hooks/useRows';
import { count, duration, perSecond, rateOfBytes } from '../../lib/format';
import { strings } from '../../strings';
import { Facts, Time, Verbatim } from '../../ui/bits';

const text = strings.room;

const seconds = (value: unknown) => (typeof value === 'number' ? duration(value * 1000) : strings.none);

/** Milliseconds where the server tells them, else seconds; 64-bit numbers come as strings. */
function createdAt(room: RoomDetail['room']): number {
  return Number(room.creation_time_ms ?? 0) || Number(room.creation_time ?? 0) * 1000;
}

/** Without what repairs others, and without the kind, which everybody knows. */
function codecs(room: RoomDetail['room']): string {
  const list = Array.isArray(room.enabled_codecs) ? (room.enabled_codecs as { mime?: string }[]) : [];
  const names = list.map(({ mime = '' }) => mime.replace(/^\w+\//, ''));
  return names.filter((name) => name && name !== 'rtx').join(', ') || strings.none;
}

function dataFacts(data: Record<string, number> | undefined): [string, ReactNode][] {
  return Object.entries(data ?? {}).map(([name, value]) => {
    const label = text.dataFields[name] ?? name;
    if (name.startsWith('bytes_')) return [label, rateOfBytes(value)];
    return [label, name.endsWith('_per_s') ? perSecond(value) : count(value)];
  });
}

export function RoomFacts({ detail: { room, data } }: { detail: RoomDetail }) {
  const [open] = useState(() => !onPhone());
  const limit = Number(room.max_participants ?? 0);
  return (
    <details className="fold" open={open}>
      <summary>{text.facts}</summary>
      <Facts
        rows={[
          [text.sid, <Verbatim key="sid" text={room.sid} />],
          [text.created, <Time key="created" at={createdAt(room)} />],
          [text.limit, limit > 0 ? count(limit) : text.unlimited],
          [text.emptyTimeout, seconds(room.empty_timeout)],
          [text.departureTimeout, seconds(room.departure_timeout)],
          [text.recording, room.active_recording ? strings.yes : strings.no],
          [text.codecs, codecs(room)],
          ...dataFacts(data),
          [text.metadata, <Verbatim key="metadata" text={room.metadata} />],
        ]}
      />
    </details>
  );
}
