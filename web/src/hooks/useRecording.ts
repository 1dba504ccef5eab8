// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Recording by the server's egress. There is a button only where the token may record and the server
// answers for its egress.

import { useIsRecording } from '@livekit/components-react';
import type { Room } from 'livekit-client';
import { useCallback, useEffect, useMemo, useState } from 'react';
import { RoomService } from '../lib/room_service';
import { type Access, readGrant } from '../lib/token';
import type { ConferenceHandle } from './useConference';

export interface Recording {
  on: boolean;
  toggle: () => Promise<void>;
}

function useService(room: Room, access: Access): RoomService | null {
  const service = useMemo(() => {
    const may = readGrant(access.token).roomRecord === true;
    return may ? new RoomService(access.url, access.room || room.name, access.token) : null;
  }, [room, access]);
  const [there, setThere] = useState(false);
  useEffect(() => {
    let over = false;
    service?.recordings().then(() => {
      if (!over) setThere(true);
    }, () => undefined);
    return () => void (over = true);
  }, [service]);
  return there ? service : null;
}

/** null: this person cannot record here. */
export function useRecording(room: Room, access: Access, report: ConferenceHandle['report']): Recording | null {
  const service = useService(room, access);
  const on = useIsRecording(room);
  const toggle = useCallback(async () => {
    try {
      if (!on) return await service?.startRecording();
      const running = (await service?.recordings()) ?? [];
      await Promise.all(running.filter(({ active }) => active).map(({ id }) => service?.stopRecording(id)));
    } catch (error) {
      report({ key: 'recordingFailed', detail: error instanceof Error ? error.message : String(error) });
    }
  }, [service, on, report]);
  return useMemo(() => (service ? { on, toggle } : null), [service, on, toggle]);
}
