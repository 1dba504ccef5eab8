// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// One picture: video or initial, name, microphone, speaking frame, connection quality.

import {
  isTrackReference,
  type TrackReferenceOrPlaceholder,
  useConnectionQualityIndicator,
  useIsMuted,
  useIsSpeaking,
  VideoTrack,
} from '@livekit/components-react';
import { Track } from 'livekit-client';
import { strings } from '../strings';
import { Icon } from './Icon';

export type TileTrack = TrackReferenceOrPlaceholder;

interface Props {
  track: TileTrack;
  big: boolean;
  onEnlarge: (on: boolean) => void;
}

function Quality({ quality }: { quality: string }) {
  const texts: Partial<Record<string, string>> = strings.tile.quality;
  const text = texts[quality] ?? quality;
  return (
    <span className="quality" role="img" aria-label={text} title={text} data-testid="quality" data-quality={quality}>
      <i /><i /><i />
    </span>
  );
}

function Picture({ track, name }: { track: TileTrack; name: string }) {
  const muted = useIsMuted(track);
  const playing = isTrackReference(track) && !muted;
  return (
    <>
      {isTrackReference(track) && (
        <VideoTrack
          trackRef={track}
          hidden={muted}
          data-testid="video"
          data-participant={track.participant.identity}
          data-source={track.source}
        />
      )}
      {!playing && <span className="tile__initial" aria-hidden="true">{name.slice(0, 1).toUpperCase()}</span>}
    </>
  );
}

function Caption({ track, name }: { track: TileTrack; name: string }) {
  const who = track.participant;
  const silent = useIsMuted({ participant: who, source: Track.Source.Microphone });
  const screen = track.source === Track.Source.ScreenShare;
  const { quality } = useConnectionQualityIndicator({ participant: who });
  return (
    <div className="tile__caption">
      {silent && !screen && (
        <span role="img" aria-label={strings.tile.muted} title={strings.tile.muted} data-testid="muted">
          <Icon name="microphone" off />
        </span>
      )}
      <span className="tile__name" data-testid="tile-name">
        {name}
        {who.isLocal && ` (${strings.tile.you})`}
        {screen && ` · ${strings.tile.screen}`}
      </span>
      {!screen && <Quality quality={quality} />}
    </div>
  );
}

export function Tile({ track, big, onEnlarge }: Props) {
  const who = track.participant;
  const speaking = useIsSpeaking(who) && track.source === Track.Source.Camera;
  const name = who.name || who.identity;
  return (
    <article
      className={big ? 'tile tile--big' : 'tile'}
      aria-label={speaking ? `${name}, ${strings.tile.speaking}` : name}
      data-testid="tile"
      data-participant={who.identity}
      data-source={track.source}
      data-local={who.isLocal}
      data-speaking={speaking}
    >
      <Picture track={track} name={name} />
      <Caption track={track} name={name} />
      <button
        type="button" className="tile__enlarge" aria-pressed={big} data-testid="enlarge"
        aria-label={`${strings.tile.enlarge}: ${name}`} onClick={() => onEnlarge(!big)}
      >
        <Icon name="enlarge" />
      </button>
    </article>
  );
}
