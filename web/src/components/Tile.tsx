// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// One picture: video or initial, name, microphone, speaking frame, connection quality.

import {
  isTrackReference,
  type TrackReferenceOrPlaceholder,
  useConnectionQualityIndicator,
  useIsEncrypted,
  useIsMuted,
  useIsSpeaking,
  useParticipantAttributes,
  VideoTrack,
} from '@livekit/components-react';
import { Track } from 'livekit-client';
import type { Reaction } from '../lib/reactions';
import { handOf } from '../lib/reactions';
import { strings } from '../strings';
import { Icon } from './Icon';

export type TileTrack = TrackReferenceOrPlaceholder;

interface Props {
  track: TileTrack;
  big: boolean;
  pinned: boolean;
  reaction: Reaction | undefined;
  onPin: (on: boolean) => void;
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
  const encrypted = useIsEncrypted(who);
  return (
    <div className="tile__caption">
      {encrypted && (
        <span role="img" aria-label={strings.tile.encrypted} title={strings.tile.encrypted} data-testid="encrypted">
          <Icon name="encrypted" />
        </span>
      )}
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

function Signs({ track, reaction }: { track: TileTrack; reaction: Reaction | undefined }) {
  const { attributes } = useParticipantAttributes({ participant: track.participant });
  const raised = handOf(attributes ?? {}) > 0;
  if (track.source === Track.Source.ScreenShare || (!raised && !reaction)) return null;
  return (
    <div className="tile__signs">
      {raised && (
        <span role="img" aria-label={strings.reactions.hand} title={strings.reactions.hand} data-testid="hand"><Icon name="hand" /></span>
      )}
      {reaction && (
        <span className="tile__reaction" role="img" aria-label={strings.reactions.names[reaction]} data-testid="reaction">{reaction}</span>
      )}
    </div>
  );
}

export function Tile({ track, big, pinned, reaction, onPin }: Props) {
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
      <Signs track={track} reaction={reaction} />
      <Caption track={track} name={name} />
      <button
        type="button" className="tile__enlarge" aria-pressed={pinned} data-testid="enlarge"
        aria-label={`${strings.tile.enlarge}: ${name}`} onClick={() => onPin(!pinned)}
      >
        <Icon name="enlarge" />
      </button>
    </article>
  );
}
