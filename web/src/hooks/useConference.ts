// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Life of one call: token, connection, devices, end. Every failure ends up as a Problem.

import { DisconnectReason, isBrowserSupported, Room, RoomEvent, type DisconnectReason as Reason } from 'livekit-client';
import { useCallback, useMemo, useRef, useState } from 'react';
import { deviceProblem, endProblem, joinProblem, type Device, type Problem } from '../lib/errors';
import type { Settings } from '../lib/params';
import { roomOptions } from '../lib/room_options';
import { tabIdentity } from '../lib/storage';
import { fetchAccess } from '../lib/token';

declare global {
  interface Window {
    /** For browser tests: the room of the running call. */
    confabDemo?: { room: Room };
  }
}

export type CallState =
  | { phase: 'idle'; problem?: Problem; left?: boolean }
  | { phase: 'joining' }
  | { phase: 'joined'; room: Room };

export interface ConferenceHandle {
  state: CallState;
  /** Problems inside the call, newest last; the call goes on. */
  problems: Problem[];
  join: (settings: Settings) => Promise<void>;
  leave: () => void;
  toggle: (device: Device, on: boolean) => Promise<void>;
  report: (problem: Problem | null) => void;
  dismiss: (problem: Problem) => void;
}

const maxProblems = 4;
/** For two seconds after a full reconnect the client library keeps events back, until the next one. */
const settleMs = 2500;
/** Browsers have no `mediaDevices` on pages that are not secure. */
export const hasMediaDevices = () => 'mediaDevices' in navigator;

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

async function connect(room: Room, settings: Settings, wanted: () => boolean): Promise<void> {
  const identity = settings.identity || tabIdentity(settings.name);
  const access = await fetchAccess({ ...settings, identity }, location.href);
  if (!wanted()) return;
  if (settings.encryptionKey) await room.setE2EEEnabled(true);
  await room.connect(access.url, access.token);
}

function useProblems() {
  const [problems, setProblems] = useState<Problem[]>([]);
  const report = useCallback((problem: Problem | null) => {
    if (!problem) return;
    setProblems((list) => [...list.filter((p) => p.key !== problem.key), problem].slice(-maxProblems));
  }, []);
  const dismiss = useCallback((problem: Problem) => setProblems((list) => list.filter((p) => p !== problem)), []);
  const clear = useCallback(() => setProblems([]), []);
  return { problems, report, dismiss, clear };
}

type Setter = (state: CallState) => void;
interface Current {
  current: Room | undefined;
}

/** Makes the room and watches for its end; `current` tells a call given up from the present one. */
async function prepare(settings: Settings, current: Current, set: Setter, report: (p: Problem | null) => void) {
  const room = new Room(await roomOptions(settings));
  room.on(RoomEvent.Disconnected, (reason?: Reason) => {
    if (current.current !== room || room !== window.confabDemo?.room) return;
    current.current = undefined;
    delete window.confabDemo;
    const key = endProblem(reason);
    const detail = reason === undefined ? '' : DisconnectReason[reason];
    set(key ? { phase: 'idle', problem: { key, detail } } : { phase: 'idle', left: true });
  });
  // Lists of people and tracks look again at every change of the connection.
  room.on(RoomEvent.Reconnected, () => {
    window.setTimeout(() => room.emit(RoomEvent.ConnectionStateChanged, room.state), settleMs);
  });
  room.on(RoomEvent.EncryptionError, (error) => report({ key: 'decryptionFailed', detail: error.message }));
  return room;
}

function failed(error: unknown): CallState {
  const problem = joinProblem(error);
  return problem ? { phase: 'idle', problem } : { phase: 'idle', left: true };
}

function firstDevices(settings: Settings): Device[] {
  return [...(settings.audio ? ['microphone' as const] : []), ...(settings.video ? ['camera' as const] : [])];
}

const tooOld = (): CallState => ({ phase: 'idle', problem: { key: 'browserTooOld', detail: navigator.userAgent } });

/** Switches on what the person wants to start with; each device may fail on its own. */
async function startDevices(room: Room, settings: Settings, report: (problem: Problem | null) => void, current: Current) {
  for (const device of firstDevices(settings)) {
    const problem = await setDevice(room, device, true);
    if (current.current === room) report(problem);
  }
}

function useJoinAndLeave(current: Current, set: Setter, report: (problem: Problem | null) => void) {
  const attempt = useRef(0);
  const join = useCallback(async (settings: Settings) => {
    const mine = ++attempt.current;
    const wanted = () => attempt.current === mine;
    if (!isBrowserSupported()) {
      set(tooOld());
      return;
    }
    set({ phase: 'joining' });
    try {
      const room = await prepare(settings, current, set, report);
      current.current = room;
      await connect(room, settings, wanted);
      if (!wanted()) return void room.disconnect();
      window.confabDemo = { room };
      set({ phase: 'joined', room });
      await startDevices(room, settings, report, current);
    } catch (error) {
      if (!wanted()) return;
      current.current = undefined;
      set(failed(error));
    }
  }, [current, set, report]);

  const leave = useCallback(() => {
    attempt.current += 1;
    const room = current.current;
    current.current = undefined;
    delete window.confabDemo;
    set({ phase: 'idle', left: true });
    void room?.disconnect();
  }, [current, set]);
  return { join, leave };
}

export function useConference(): ConferenceHandle {
  const [state, setState] = useState<CallState>({ phase: 'idle' });
  const { problems, report, dismiss, clear } = useProblems();
  const current = useRef<Room | undefined>();
  const { join: enter, leave } = useJoinAndLeave(current, setState, report);
  const join = useCallback((settings: Settings) => {
    clear();
    return enter(settings);
  }, [clear, enter]);
  const toggle = useCallback(async (device: Device, on: boolean) => {
    if (current.current) report(await setDevice(current.current, device, on));
  }, [report]);
  return useMemo(
    () => ({ state, problems, join, leave, toggle, report, dismiss }),
    [state, problems, join, leave, toggle, report, dismiss],
  );
}
