// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A guest waits: in a room where the server sends it nothing and takes nothing from it, until the
// host's page tells it the token of the meeting.

import { DisconnectReason, type DisconnectReason as Reason, Room, RoomEvent } from 'livekit-client';
import { connect } from './call';
import { EndError, lobbyProblem } from './errors';
import { admitTopic, readAdmission } from './meeting';
import type { Access } from './token';

export interface Lobby {
  room: Room;
  /** The token of the meeting. Rejects with an EndError, or never if `room` is left. */
  admission: Promise<string>;
}

function admissionOf(room: Room): Promise<string> {
  return new Promise((resolve, reject) => {
    // Nobody in there may send data: what comes is the server's, on behalf of who administers the lobby.
    room.on(RoomEvent.DataReceived, (payload, from, _kind, topic) => {
      const token = from === undefined && topic === admitTopic ? readAdmission(payload) : null;
      if (token) resolve(token);
    });
    room.on(RoomEvent.Disconnected, (reason?: Reason) => {
      if (reason === DisconnectReason.CLIENT_INITIATED) return;
      reject(new EndError(lobbyProblem(reason), reason));
    });
  });
}

export async function enterLobby(access: Access, singlePeerConnection: boolean): Promise<Lobby> {
  const room = new Room({ singlePeerConnection });
  const admission = admissionOf(room);
  admission.catch(() => undefined); // Who waits for it hears of it, even if it fails before.
  await connect(room, access, lobbyProblem);
  return { room, admission };
}
