// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What a screen reader should hear about the call: the latest event as one sentence.

import { type Participant, type Room, RoomEvent } from 'livekit-client';
import { useEffect, useState } from 'react';
import { strings } from '../strings';

export function useAnnouncements(room: Room): string {
  const [text, setText] = useState(() => strings.status.joinedRoom(room.name));
  useEffect(() => {
    const arrived = (who: Participant) => setText(strings.status.arrived(who.name || who.identity));
    const departed = (who: Participant) => setText(strings.status.departed(who.name || who.identity));
    const trouble = () => setText(strings.status.reconnecting);
    const back = () => setText(strings.status.connected);
    room.on(RoomEvent.ParticipantConnected, arrived);
    room.on(RoomEvent.ParticipantDisconnected, departed);
    room.on(RoomEvent.Reconnecting, trouble);
    room.on(RoomEvent.Reconnected, back);
    return () => {
      room.off(RoomEvent.ParticipantConnected, arrived);
      room.off(RoomEvent.ParticipantDisconnected, departed);
      room.off(RoomEvent.Reconnecting, trouble);
      room.off(RoomEvent.Reconnected, back);
    };
  }, [room]);
  return text;
}
