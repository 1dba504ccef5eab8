// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The parts of a call that need no view: access, the client library's room, devices.

import { DisconnectReason, type DisconnectReason as Reason, Room, RoomEvent } from 'livekit-client';
import type { ProblemKey } from '../strings';
import { deviceProblem, EndError, endProblem, type Device, type Problem } from './errors';
import { isMeeting } from './meeting';
import type { Settings } from './params';
import { roomOptions } from './room_options';
import { tabIdentity } from './identity';
import { type Access, fetchAccess, ownAccess } from './token';

/** For two seconds after a full reconnect the client library keeps events back, until the next one. */
const settleMs = 2500;
/** Browsers have no `mediaDevices` on pages that are not secure. */
export const hasMediaDevices = () => 'mediaDevices' in navigator;

export interface End { phase: 'idle'; problem?: Problem; left?: boolean }

export async function getAccess(settings: Settings): Promise<Access> {
  if (settings.token) return ownAccess(settings.token, location.href);
  const identity = settings.identity || tabIdentity(settings.name);
  const lobby = settings.lobby && !isMeeting(settings.room);
  return fetchAccess({ ...settings, identity, lobby }, location.href);
}

/** Makes the room and watches for its end. */
export async function makeRoom(settings: Settings, report: (p: Problem | null) => void, ended: (end: End) => void): Promise<Room> {
  const room = new Room(await roomOptions(settings));
  room.on(RoomEvent.Disconnected, (reason?: Reason) => {
    const key = endProblem(reason);
    const detail = reason === undefined ? '' : DisconnectReason[reason];
    ended(key ? { phase: 'idle', problem: { key, detail } } : { phase: 'idle', left: true });
  });
  // Lists of people and tracks look again at every change of the connection.
  room.on(RoomEvent.Reconnected, () => {
    window.setTimeout(() => room.emit(RoomEvent.ConnectionStateChanged, room.state), settleMs);
  });
  room.on(RoomEvent.EncryptionError, (error) => report({ key: 'decryptionFailed', detail: error.message }));
  return room;
}

const reasonsOfServer = new Set<Reason | undefined>([
  DisconnectReason.DUPLICATE_IDENTITY,
  DisconnectReason.PARTICIPANT_REMOVED,
  DisconnectReason.ROOM_CLOSED,
  DisconnectReason.ROOM_DELETED,
  DisconnectReason.SERVER_SHUTDOWN,
]);

/**
 * Connects. Who is sent away meanwhile gets an EndError with the server's reason at once: the client
 * library waits for the media's connection until its time is over, and reports that one.
 */
export async function connect(room: Room, access: Access, problemOf: (reason?: Reason) => ProblemKey | null): Promise<void> {
  let listen: (reason?: Reason) => void = () => undefined;
  const sentAway = new Promise<never>((_resolve, reject) => {
    listen = (reason) => {
      const key = reasonsOfServer.has(reason) ? problemOf(reason) : null;
      if (key) reject(new EndError(key, reason));
    };
  });
  room.on(RoomEvent.Disconnected, listen);
  try {
    await Promise.race([sentAway, room.connect(access.url, access.token)]);
  } finally {
    room.off(RoomEvent.Disconnected, listen);
  }
}

export async function setDevice(room: Room, device: Device, on: boolean): Promise<Problem | null> {
  const me = room.localParticipant;
  try {
    if (device === 'camera') await me.setCameraEnabled(on);
    if (device === 'microphone') await me.setMicrophoneEnabled(on);
    if (device === 'screen') await me.setScreenShareEnabled(on, { audio: true });
    return null;
  } catch (error) {
    return deviceProblem(device, error, hasMediaDevices());
  }
}

/** Switches on what the person wants to start with; each device may fail on its own. */
export async function startDevices(room: Room, settings: Settings, report: (problem: Problem | null) => void): Promise<void> {
  const wanted: Device[] = [...(settings.audio ? ['microphone' as const] : []), ...(settings.video ? ['camera' as const] : [])];
  for (const device of wanted) report(await setDevice(room, device, true));
}
