// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What a host can do: see and let in who waits, quieten, remove, lock, end. The server checks every
// request; a page without a host's key has none of this.

import { useRoomInfo } from '@livekit/components-react';
import { type Room, Track } from 'livekit-client';
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { admitTopic, readNotes } from '../lib/meeting';
import { type Person, RoomService } from '../lib/room_service';
import { type Access, fetchAccess } from '../lib/token';
import type { ConferenceHandle } from './useConference';

const pollMs = 1500;
/** Who was let in shows up again if it has not come out of the lobby by then. */
const patienceMs = 10_000;

export interface HostHandle {
  /** Who knocks, in the order in which they came. */
  waiting: Person[];
  locked: boolean;
  /** Only meetings with a lobby can be locked; the metadata of other rooms are not the page's. */
  canLock: boolean;
  admit: (person: Person) => void;
  deny: (person: Person) => void;
  mute: (identity: string) => void;
  muteAll: () => void;
  stopScreen: (identity: string) => void;
  lowerHand: (identity: string) => void;
  remove: (identity: string) => void;
  setLocked: (locked: boolean) => void;
  endForAll: () => Promise<void>;
}

type Run = (what: () => Promise<unknown>) => Promise<void>;

function microphones(room: Room, identity?: string) {
  return [...room.remoteParticipants.values()]
    .filter((who) => identity === undefined || who.identity === identity)
    .map((who) => ({ identity: who.identity, publication: who.getTrackPublication(Track.Source.Microphone) }))
    .filter(({ publication }) => publication && !publication.isMuted);
}

/** Who is in the lobby now; one who knocks at a locked meeting is refused at once. */
function useLobby(lobby: RoomService | null, locked: boolean) {
  const [waiting, setWaiting] = useState<Person[]>([]);
  const answered = useRef(new Map<string, number>());
  useEffect(() => {
    if (!lobby) return undefined;
    let timer = 0;
    let over = false;
    const look = async () => {
      const people = await lobby.people().catch(() => null);
      if (over) return;
      if (people) {
        const fresh = people.filter(({ identity }) => Date.now() - (answered.current.get(identity) ?? 0) > patienceMs);
        if (locked) for (const { identity } of fresh) void lobby.remove(identity).catch(() => undefined);
        setWaiting(locked ? [] : fresh);
      }
      timer = window.setTimeout(() => void look(), pollMs);
    };
    void look();
    return () => {
      over = true;
      window.clearTimeout(timer);
    };
  }, [lobby, locked]);
  const answer = useCallback((identity: string) => {
    answered.current.set(identity, Date.now());
    setWaiting((list) => list.filter((person) => person.identity !== identity));
  }, []);
  return { waiting, answer };
}

function useServices(room: Room, access: Access) {
  return useMemo(() => {
    const meeting = access.room || room.name;
    const { url, hostKey, lobbyKey } = access;
    return {
      rooms: hostKey ? new RoomService(url, meeting, hostKey) : null,
      lobby: lobbyKey ? new RoomService(url, `${meeting}~lobby`, lobbyKey) : null,
    };
  }, [room, access]);
}

async function letIn(access: Access, lobby: RoomService, { identity, name }: Person): Promise<void> {
  const wish = { room: access.room, name, identity, hostKey: access.hostKey, admit: true };
  const { token } = await fetchAccess(wish, location.href);
  await lobby.tell(identity, admitTopic, { token });
}

/** Everybody but oneself goes, from the lobby too. */
async function removeAll(room: Room, rooms: RoomService, lobby: RoomService | null): Promise<void> {
  const others = (await rooms.people()).filter(({ identity }) => identity !== room.localParticipant.identity);
  const knocking = lobby ? await lobby.people() : [];
  await Promise.all([
    ...others.map(({ identity }) => rooms.remove(identity)),
    ...knocking.map(({ identity }) => lobby?.remove(identity)),
  ]);
}

function actionsOn(room: Room, rooms: RoomService, lobby: RoomService | null, run: Run) {
  const mute = (identity?: string) => void run(() =>
    Promise.all(microphones(room, identity).map((one) => rooms.mute(one.identity, one.publication?.trackSid ?? ''))));
  return {
    mute,
    muteAll: () => mute(),
    stopScreen: (identity: string) => void run(() => rooms.stopScreen(identity)),
    lowerHand: (identity: string) => void run(() => rooms.lowerHand(identity)),
    remove: (identity: string) => void run(() => rooms.remove(identity)),
    setLocked: (locked: boolean) => void run(() => rooms.note({ locked })),
    endForAll: () => run(() => removeAll(room, rooms, lobby)),
  };
}

/** null: this page is no host's. */
export function useHost(room: Room, access: Access, report: ConferenceHandle['report']): HostHandle | null {
  const { rooms, lobby } = useServices(room, access);
  const { metadata } = useRoomInfo({ room });
  const { locked } = readNotes(metadata);
  const { waiting, answer } = useLobby(lobby, locked);
  const run: Run = useCallback(async (what) => {
    try {
      await what();
    } catch (error) {
      report({ key: 'hostActionFailed', detail: error instanceof Error ? error.message : String(error) });
    }
  }, [report]);
  return useMemo(() => {
    if (!rooms) return null;
    const settle = (person: Person, what: (in_: RoomService) => Promise<void>) => {
      answer(person.identity);
      if (lobby) void run(() => what(lobby));
    };
    return {
      waiting,
      locked,
      canLock: lobby !== null,
      admit: (person: Person) => settle(person, (from) => letIn(access, from, person)),
      deny: (person: Person) => settle(person, (from) => from.remove(person.identity)),
      ...actionsOn(room, rooms, lobby, run),
    };
  }, [room, rooms, lobby, access, waiting, locked, answer, run]);
}
