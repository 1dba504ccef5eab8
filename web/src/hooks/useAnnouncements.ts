// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What a screen reader should hear about the call: the latest event as one sentence.

import { type Participant, type Room, RoomEvent } from 'livekit-client';
import { useEffect, useState } from 'react';
import { roomLabel } from '../lib/meeting';
import { decodeReaction, handAttribute, handOf, reactionTopic } from '../lib/reactions';
import { strings } from '../strings';

export function useAnnouncements(room: Room): string {
  const [text, setText] = useState(() => strings.status.joinedRoom(roomLabel(room.name)));
  useEffect(() => {
    const arrived = (who: Participant) => setText(strings.status.arrived(who.name || who.identity));
    const departed = (who: Participant) => setText(strings.status.departed(who.name || who.identity));
    const trouble = () => setText(strings.status.reconnecting);
    const back = () => setText(strings.status.connected);
    const raised = (changed: Record<string, string>, who: Participant) => {
      if (handAttribute in changed && handOf(who.attributes) > 0) setText(strings.reactions.raised(who.name || who.identity));
    };
    const reacted = (payload: Uint8Array, who?: Participant, _kind?: unknown, topic?: string) => {
      const reaction = who && topic === reactionTopic ? decodeReaction(payload) : null;
      if (who && reaction) setText(strings.reactions.reacted(who.name || who.identity, strings.reactions.names[reaction]));
    };
    room.on(RoomEvent.ParticipantAttributesChanged, raised);
    room.on(RoomEvent.DataReceived, reacted);
    room.on(RoomEvent.ParticipantConnected, arrived);
    room.on(RoomEvent.ParticipantDisconnected, departed);
    room.on(RoomEvent.Reconnecting, trouble);
    room.on(RoomEvent.Reconnected, back);
    return () => {
      room.off(RoomEvent.ParticipantConnected, arrived);
      room.off(RoomEvent.ParticipantDisconnected, departed);
      room.off(RoomEvent.Reconnecting, trouble);
      room.off(RoomEvent.Reconnected, back);
      room.off(RoomEvent.ParticipantAttributesChanged, raised);
      room.off(RoomEvent.DataReceived, reacted);
    };
  }, [room]);
  return text;
}
