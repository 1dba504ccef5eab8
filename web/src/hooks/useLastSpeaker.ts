// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Who of the others spoke last: the one the speaker's layouts show.

import { useRoomContext } from '@livekit/components-react';
import { type Participant, RoomEvent } from 'livekit-client';
import { useEffect, useState } from 'react';

export function useLastSpeaker(): string {
  const room = useRoomContext();
  const [identity, setIdentity] = useState('');
  useEffect(() => {
    const changed = (speakers: Participant[]) => {
      const loudest = speakers.find((who) => !who.isLocal);
      if (loudest) setIdentity(loudest.identity);
    };
    room.on(RoomEvent.ActiveSpeakersChanged, changed);
    return () => void room.off(RoomEvent.ActiveSpeakersChanged, changed);
  }, [room]);
  return identity;
}
