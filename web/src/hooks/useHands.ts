// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Raised hands and reactions of the room.

import { useParticipants } from '@livekit/components-react';
import { type RemoteParticipant, type Room, RoomEvent } from 'livekit-client';
import { useCallback, useEffect, useState } from 'react';
import { decodeReaction, encodeReaction, handAttribute, handOf, type Reaction, reactionTopic } from '../lib/reactions';

const shownMs = 4000;
const changes = [RoomEvent.ParticipantAttributesChanged, RoomEvent.ParticipantConnected, RoomEvent.ParticipantDisconnected];

/** Who has a hand up, the longest first. */
export function useHands(room: Room): { identity: string; name: string }[] {
  const people = useParticipants({ room, updateOnlyOn: changes });
  return people
    .map((who) => ({ identity: who.identity, name: who.name || who.identity, since: handOf(who.attributes) }))
    .filter(({ since }) => since > 0)
    .sort((a, b) => a.since - b.since);
}

export function raiseHand(room: Room, up: boolean): Promise<void> {
  return room.localParticipant.setAttributes({ [handAttribute]: up ? String(Date.now()) : '' });
}

export interface Reactions {
  /** Who reacted a moment ago, by identity. */
  shown: ReadonlyMap<string, Reaction>;
  react: (reaction: Reaction) => void;
}

export function useReactions(room: Room): Reactions {
  const [shown, setShown] = useState<ReadonlyMap<string, Reaction>>(new Map());
  const show = useCallback((identity: string, reaction: Reaction) => {
    setShown((old) => new Map(old).set(identity, reaction));
    window.setTimeout(() => setShown((old) => {
      if (old.get(identity) !== reaction) return old;
      const rest = new Map(old);
      rest.delete(identity);
      return rest;
    }), shownMs);
  }, []);
  useEffect(() => {
    const received = (payload: Uint8Array, from?: RemoteParticipant, _kind?: unknown, topic?: string) => {
      const reaction = from && topic === reactionTopic ? decodeReaction(payload) : null;
      if (from && reaction) show(from.identity, reaction);
    };
    room.on(RoomEvent.DataReceived, received);
    return () => void room.off(RoomEvent.DataReceived, received);
  }, [room, show]);
  const react = useCallback((reaction: Reaction) => {
    show(room.localParticipant.identity, reaction);
    const message = encodeReaction(reaction);
    void room.localParticipant.publishData(message, { reliable: true, topic: reactionTopic }).catch(() => undefined);
  }, [room, show]);
  return { shown, react };
}
