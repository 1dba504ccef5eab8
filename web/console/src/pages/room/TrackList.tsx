// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The tracks of one participant with what is measured now, layer by layer.

import type { Layer, Participant, Track } from '../../api/types';
import { useConsole } from '../../hooks/useConsole';
import { mute, type Place } from '../../lib/actions';
import { bitrate, count, percent, rateOfBytes } from '../../lib/format';
import { lossTone, sourceName } from '../../lib/person';
import { strings } from '../../strings';
import { Badge, Facts, Verbatim } from '../../ui/bits';
import { type Column, Table } from '../../ui/Table';

const text = strings.track;

const layerColumns: Column<Layer>[] = [
  { id: 'quality', title: text.layer.quality, cell: (row) => row.quality.toLowerCase() },
  { id: 'size', title: text.layer.size, numeric: true, cell: (row) => (row.width > 0 ? `${row.width} × ${row.height}` : strings.none) },
  { id: 'rate', title: text.layer.rate, numeric: true, cell: (row) => (row.bitrate > 0 ? bitrate(row.bitrate) : text.off) },
  { id: 'fps', title: text.layer.fps, numeric: true, cell: (row) => (row.fps > 0 ? text.fps(row.fps.toFixed(0)) : strings.none) },
];

interface Props {
  place: Place;
  person: Participant;
  refresh: () => void;
}

function MuteButton({ place, identity, track, refresh }: { place: Place; identity: string; track: Track; refresh: () => void }) {
  const { operator, act } = useConsole();
  if (!operator) return null;
  const action = mute(place, identity, track);
  return (
    <button type="button" aria-label={`${action.label}: ${sourceName(track)}`} onClick={() => act(action, refresh)} data-testid="act-mute">
      {action.label}
    </button>
  );
}

function Loss({ fraction }: { fraction: number | null }) {
  return fraction === null ? <>{strings.none}</> : <Badge tone={lossTone(fraction)}>{percent(fraction)}</Badge>;
}

function TrackCard({ track, place, person, refresh }: Props & { track: Track }) {
  return (
    <li className="track" data-testid="track" data-source={track.source.toLowerCase()} data-muted={track.muted}>
      <div className="head">
        <h3>{text.title(sourceName(track), track.name)} {track.muted && <Badge tone="warn">{text.muted}</Badge>}</h3>
        <MuteButton place={place} identity={person.identity} track={track} refresh={refresh} />
      </div>
      <Facts
        rows={[
          [text.codec, [track.mime_type, track.simulcast && text.simulcast, track.encrypted && text.encrypted].filter(Boolean).join(', ')],
          [text.rate, rateOfBytes(track.bytes_per_s)],
          [text.loss, <Loss key="loss" fraction={track.lost_fraction} />],
          [text.subscribers, count(track.subscribers)],
          [text.sid, <Verbatim key="sid" text={track.sid} />],
        ]}
      />
      {track.layers.length > 0 && (
        <Table label={text.layers} columns={layerColumns} rows={track.layers} rowKey={(_, index) => index} />
      )}
    </li>
  );
}

export function TrackList(props: Props) {
  const { tracks } = props.person;
  if (tracks.length === 0) return <p className="muted">{strings.participant.noTracks}</p>;
  return <ul className="tracks">{tracks.map((track) => <TrackCard key={track.sid} track={track} {...props} />)}</ul>;
}
