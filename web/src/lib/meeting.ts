// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Meetings with a lobby: rooms whose name the server's token endpoint made up ("NAME~ID"). Who opened
// one keeps the key that makes a host.

import { remembered } from '../../shared/storage';

const shape = /^([^~]+)~[0-9a-f]{16}$/;

export function isMeeting(room: string): boolean {
  return shape.test(room);
}

/** What people call a room: a meeting without what the server added. */
export function roomLabel(room: string): string {
  return shape.exec(room)?.[1] ?? room;
}

export const hostKeys = {
  get: (room: string) => (isMeeting(room) ? remembered.get(`host.${room}`) : ''),
  set: (room: string, key: string) => {
    if (isMeeting(room)) remembered.set(`host.${room}`, key);
  },
};

/** What the host sends to a guest who waits. */
export const admitTopic = 'confab.admit';
/** Room metadata; whoever administers the room may write it. */
export interface RoomNotes {
  locked: boolean;
}

export function readNotes(metadata: string | undefined): RoomNotes {
  try {
    const value: unknown = JSON.parse(metadata ?? '');
    return { locked: typeof value === 'object' && value !== null && 'locked' in value && value.locked === true };
  } catch {
    return { locked: false };
  }
}

/** The token in a message of the host; null if it is none. */
export function readAdmission(payload: Uint8Array): string | null {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(payload));
    if (typeof value !== 'object' || value === null || !('token' in value)) return null;
    return typeof value.token === 'string' && value.token.split('.').length === 3 ? value.token : null;
  } catch {
    return null;
  }
}
