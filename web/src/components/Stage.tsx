// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The tiles: one per camera (or person without one) and one per shared screen, arranged by a layout.

import { useTracks } from '@livekit/components-react';
import { Track } from 'livekit-client';
import { type CSSProperties, useState } from 'react';
import { useLastSpeaker } from '../hooks/useLastSpeaker';
import { columnsOf, type Layout, pickBig, type TileInfo } from '../lib/layout';
import type { Reaction } from '../lib/reactions';
import { strings } from '../strings';
import { Tile, type TileTrack } from './Tile';

const sources = [
  { source: Track.Source.ScreenShare, withPlaceholder: false },
  { source: Track.Source.Camera, withPlaceholder: true },
];

const tileKey = (track: TileTrack) => `${track.participant.identity}/${track.source}`;

const infoOf = (track: TileTrack): TileInfo => ({
  key: tileKey(track),
  identity: track.participant.identity,
  isScreen: track.source === Track.Source.ScreenShare,
  isLocal: track.participant.isLocal,
});

interface Props {
  layout: Layout;
  reactions: ReadonlyMap<string, Reaction>;
}

export function Stage({ layout, reactions }: Props) {
  const tracks = useTracks(sources, { onlySubscribed: false });
  const speaker = useLastSpeaker();
  const [pinned, setPinned] = useState<string | null | undefined>(undefined);
  const big = pickBig(tracks.map(infoOf), layout, pinned, speaker);
  const ordered = [...tracks].sort((a, b) => Number(tileKey(b) === big) - Number(tileKey(a) === big));
  const { wide, narrow } = columnsOf(tracks.length, layout, big !== null);
  const style = { '--columns': wide, '--columns-narrow': narrow, '--small': Math.max(1, tracks.length - 1) } as CSSProperties;
  return (
    <>
      <div className="stage" style={style} data-testid="stage" data-tiles={tracks.length} data-layout={layout}>
        {ordered.map((track) => (
          <Tile
            key={tileKey(track)}
            track={track}
            big={tileKey(track) === big}
            pinned={tileKey(track) === pinned || (layout === 'grid' && tileKey(track) === big)}
            reaction={reactions.get(track.participant.identity)}
            onPin={(on) => setPinned(on ? tileKey(track) : null)}
          />
        ))}
      </div>
      {tracks.length < 2 && <p className="muted stage__hint">{strings.status.alone}</p>}
    </>
  );
}
