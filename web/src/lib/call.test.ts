// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

import { DisconnectReason, type DisconnectReason as Reason, type Room, RoomEvent } from 'livekit-client';
import { describe, expect, test } from 'vitest';
import { connect } from './call';
import { endProblem, joinProblem, lobbyProblem } from './errors';
import type { Access } from './token';

const access = { url: 'ws://here', token: 't' } as Access;
const broken = new Error('could not establish pc connection');

const sent = new Set<Reason | undefined>([DisconnectReason.PARTICIPANT_REMOVED, DisconnectReason.ROOM_DELETED, DisconnectReason.DUPLICATE_IDENTITY]);

/** A room whose connection breaks after the server has said `reason`. */
class BrokenRoom {
  listeners = new Set<(reason?: Reason) => void>();

  constructor(readonly reason?: Reason) {}

  on(event: RoomEvent, listener: (reason?: Reason) => void) {
    expect(event).toBe(RoomEvent.Disconnected);
    this.listeners.add(listener);
  }

  off(_event: RoomEvent, listener: (reason?: Reason) => void) {
    this.listeners.delete(listener);
  }

  async connect() {
    this.listeners.forEach((listener) => listener(this.reason));
    // Not before its time is over, which here is never: who was sent away does not wait for it.
    if (sent.has(this.reason)) await new Promise(() => undefined);
    throw broken;
  }
}

async function failure(reason: Reason | undefined, problemOf: typeof lobbyProblem | typeof endProblem) {
  const room = new BrokenRoom(reason);
  const error: unknown = await connect(room as unknown as Room, access, problemOf).then(() => null, (caught: unknown) => caught);
  expect(room.listeners.size).toBe(0);
  return joinProblem(error)?.key;
}

describe('who is sent away while connecting is told why', () => {
  test.each([
    [DisconnectReason.PARTICIPANT_REMOVED, 'lobbyDenied', 'removed'],
    [DisconnectReason.ROOM_DELETED, 'roomClosed', 'roomClosed'],
    [DisconnectReason.DUPLICATE_IDENTITY, 'duplicateIdentity', 'duplicateIdentity'],
    // What the client library itself says of the broken connection hides nothing.
    [DisconnectReason.UNKNOWN_REASON, 'mediaBlocked', 'mediaBlocked'],
    [DisconnectReason.CLIENT_INITIATED, 'mediaBlocked', 'mediaBlocked'],
    [undefined, 'mediaBlocked', 'mediaBlocked'],
  ])('reason %s: %s in the lobby, %s in the meeting', async (reason, lobby, meeting) => {
    expect(await failure(reason, lobbyProblem)).toBe(lobby);
    expect(await failure(reason, endProblem)).toBe(meeting);
  });
});
