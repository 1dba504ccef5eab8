// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The tiles: one per camera (or person without one) and one per shared screen. A shared screen, or
// the tile the person enlarged, takes the first rows.

import { useTracks } from '@livekit/components-react';
import { Track } from 'livekit-client';
import { type CSSProperties, useState } from 'react';
import { strings } from '../strings';
import { Tile, type TileTrack } from './Tile';

const sources = [
  { source: Track.Source.ScreenShare, withPlaceholder: false },
  { source: Track.Source.Camera, withPlaceholder: true },
];

const tileKey = (track: TileTrack) => `${track.participant.identity}/${track.source}`;

/** undefined: nobody chose yet, so a shared screen is shown large; null: everything small. */
function pickBig(tracks: TileTrack[], chosen: string | null | undefined): string | null {
  const known = tracks.find((track) => tileKey(track) === chosen);
  if (known || chosen === null) return chosen ?? null;
  const screen = tracks.find((track) => track.source === Track.Source.ScreenShare);
  return screen ? tileKey(screen) : null;
}

export function Stage() {
  const tracks = useTracks(sources, { onlySubscribed: false });
  const [chosen, setChosen] = useState<string | null | undefined>(undefined);
  const big = pickBig(tracks, chosen);
  const ordered = [...tracks].sort((a, b) => Number(tileKey(b) === big) - Number(tileKey(a) === big));
  const small = big ? ordered.length - 1 : ordered.length;
  const columns = Math.max(1, big ? Math.min(small, 4) : Math.ceil(Math.sqrt(small)));
  const narrow = small > 2 || (big && small > 1) ? 2 : 1;
  const style = { '--columns': columns, '--columns-narrow': narrow } as CSSProperties;
  return (
    <>
      <div className="stage" style={style} data-testid="stage" data-tiles={tracks.length}>
        {ordered.map((track) => (
          <Tile
            key={tileKey(track)}
            track={track}
            big={tileKey(track) === big}
            onEnlarge={(on) => setChosen(on ? tileKey(track) : null)}
          />
        ))}
      </div>
      {tracks.length < 2 && <p className="muted stage__hint">{strings.status.alone}</p>}
    </>
  );
}
