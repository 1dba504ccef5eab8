// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Who is in the room, with what tells at a glance how it goes.

import { useState } from 'react';
import type { Participant } from '../../api/types';
import type { Place } from '../../lib/actions';
import { count, millis, rateOfBytes } from '../../lib/format';
import { matches, pathTone, publishedBytes, qualityTone } from '../../lib/person';
import { addressOf } from '../../lib/route';
import { strings } from '../../strings';
import { Badge, Search, Section } from '../../ui/bits';
import { LongTable } from '../../ui/LongTable';
import type { Column } from '../../ui/Table';

const text = strings.participant;

export function QualityBadge({ quality, score }: { quality: string; score: number | null }) {
  if (!quality) return <>{strings.none}</>;
  const title = score !== null && score > 0 ? text.score(score.toFixed(1)) : undefined;
  return <Badge tone={qualityTone(quality)} title={title}>{text.qualities[quality] ?? quality}</Badge>;
}

export function PathBadge({ path }: { path: string }) {
  return path ? <Badge tone={pathTone(path)}>{text.paths[path] ?? path}</Badge> : <>{strings.none}</>;
}

function AlsoCalled({ person: { identity, name, kind } }: { person: Participant }) {
  return <>{name && name !== identity && <span className="muted"> {name}</span>} <KindBadge kind={kind} /></>;
}

/** Agents, recorders and callers; most are none of these. */
function KindBadge({ kind = 'standard' }: { kind?: string }) {
  return kind === 'standard' ? null : <Badge>{kind}</Badge>;
}

const columns: Column<Participant>[] = [
  { id: 'identity', title: text.identity, cell: (row) => <AlsoCalled person={row} /> },
  { id: 'state', title: text.state, width: 5.5, wideOnly: true, cell: (row) => row.state.toLowerCase() },
  { id: 'quality', title: text.quality, width: 6, cell: (row) => <QualityBadge quality={row.quality} score={row.score} /> },
  { id: 'path', title: text.path, width: 4.5, cell: (row) => <PathBadge path={row.path} /> },
  { id: 'rtt', title: text.rtt, width: 6.5, numeric: true, wideOnly: true, cell: (row) => millis(row.rtt_ms) },
  { id: 'tracks', title: text.tracks, width: 4, numeric: true, wideOnly: true, cell: (row) => count(row.tracks.length) },
  { id: 'in', title: text.in, width: 7, numeric: true, wideOnly: true, cell: (row) => rateOfBytes(publishedBytes(row)) },
];

/** Beside the panel there is room for these. */
const besidePanel = columns.filter((column) => !column.wideOnly);

interface Props {
  place: Place;
  participants: Participant[];
  identity: string | undefined;
}

export function People({ place: { room, tenant }, participants, identity }: Props) {
  const [search, setSearch] = useState('');
  const shown = participants.filter((one) => matches(one, search));
  return (
    <Section title={`${strings.room.participants} (${count(participants.length)})`}>
      {participants.length > 0 && <Search label={strings.table.search} hint={strings.room.searchHint} value={search} onChange={setSearch} />}
      {shown.length === 0 && <p className="muted" data-testid="empty">{participants.length > 0 ? strings.table.noMatch : strings.room.nobody}</p>}
      {shown.length > 0 && (
        <LongTable
          label={strings.room.participants} columns={identity === undefined ? columns : besidePanel}
          total={shown.length} rows={shown} rowKey={(row) => row.sid} chosen={(row) => row.identity === identity}
          href={(row) => addressOf('rooms', [room, row.identity], { tenant })} linkText={(row) => row.identity}
        />
      )}
    </Section>
  );
}
