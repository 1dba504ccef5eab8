// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Captions of the room, as they are said.

import { type Room, type TextStreamHandler } from 'livekit-client';
import { useEffect, useState } from 'react';
import { addCaption, type Caption, captionTopic, dropOld } from '../lib/captions';

const sweepMs = 1000;

export interface Captions {
  /** null: nothing has been transcribed in this call yet. */
  lines: Caption[] | null;
}

/** Whose words they are: the transcribed participant, if the transcriber names one. */
function speakerOf(room: Room, attributes: Record<string, string>, sender: string): string {
  const sid = attributes['lk.transcribed_track_id'] ?? '';
  if (!sid) return sender;
  const everybody = [room.localParticipant, ...room.remoteParticipants.values()];
  return everybody.find((who) => who.trackPublications.has(sid))?.identity ?? sender;
}

export function useCaptions(room: Room): Captions {
  const [lines, setLines] = useState<Caption[] | null>(null);
  useEffect(() => {
    const heard: TextStreamHandler = (reader, { identity: sender }) => void (async () => {
      const { attributes = {}, id } = reader.info;
      const segment = attributes['lk.segment_id'] ?? id;
      const identity = speakerOf(room, attributes, sender);
      let text = '';
      for await (const part of reader) {
        text += part;
        const line = { segment, identity, text, at: Date.now() };
        setLines((old) => addCaption(old ?? [], line));
      }
    })().catch(() => undefined);
    room.registerTextStreamHandler(captionTopic, heard);
    const timer = window.setInterval(() => setLines((old) => {
      const kept = old && dropOld(old, Date.now());
      return kept?.length === old?.length ? old : kept;
    }), sweepMs);
    return () => {
      window.clearInterval(timer);
      room.unregisterTextStreamHandler(captionTopic);
    };
  }, [room]);
  return { lines };
}
