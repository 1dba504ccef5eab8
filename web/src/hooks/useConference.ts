// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Life of one call: token, lobby, connection, devices, end. Every failure ends up as a Problem.

import { isBrowserSupported, type Room } from 'livekit-client';
import { useCallback, useMemo, useRef, useState } from 'react';
import { endProblem, joinProblem, type Device, type Problem } from '../lib/errors';
import { enterLobby } from '../lib/lobby';
import type { Settings } from '../lib/params';
import { connect, getAccess, makeRoom, setDevice, startDevices } from '../lib/call';
import type { Access } from '../lib/token';

export { hasMediaDevices } from '../lib/call';

declare global {
  interface Window {
    /** For browser tests: the room of the running call, or the lobby. */
    confabDemo?: { room: Room };
  }
}

export type CallState =
  | { phase: 'idle'; problem?: Problem; left?: boolean }
  | { phase: 'joining' }
  | { phase: 'waiting' }
  | { phase: 'joined'; room: Room; access: Access };

export interface ConferenceHandle {
  state: CallState;
  /** Problems inside the call, newest last; the call goes on. */
  problems: Problem[];
  /** `learned` is told what the server calls the meeting, and its keys, as soon as they are known. */
  join: (settings: Settings, learned: (access: Access) => void) => Promise<void>;
  leave: () => void;
  toggle: (device: Device, on: boolean) => Promise<void>;
  report: (problem: Problem | null) => void;
  dismiss: (problem: Problem) => void;
}

const maxProblems = 4;

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
type Report = (problem: Problem | null) => void;

function failed(error: unknown, settings: Settings): CallState {
  const problem = joinProblem(error, Boolean(settings.hostKey));
  return problem ? { phase: 'idle', problem } : { phase: 'idle', left: true };
}

const tooOld = (): CallState => ({ phase: 'idle', problem: { key: 'browserTooOld', detail: navigator.userAgent } });

/** What one attempt to join needs; `wanted` tells whether the person still wants it. */
interface Attempt {
  settings: Settings;
  current: Current;
  set: Setter;
  report: Report;
  wanted: () => boolean;
}

/** Stays in the lobby until the host lets in: the access with the meeting's token, or null if given up. */
async function wait(access: Access, { settings, current, set, wanted }: Attempt): Promise<Access | null> {
  const lobby = await enterLobby(access, !settings.twoConnections);
  if (!wanted()) {
    void lobby.room.disconnect();
    return null;
  }
  current.current = lobby.room;
  window.confabDemo = { room: lobby.room };
  set({ phase: 'waiting' });
  const token = await lobby.admission;
  if (!wanted()) return null;
  set({ phase: 'joining' });
  current.current = undefined;
  await lobby.room.disconnect();
  return { ...access, token, waiting: false };
}

async function enter(access: Access, attempt: Attempt): Promise<void> {
  const { settings, current, set, report, wanted } = attempt;
  const room = await makeRoom(settings, report, (end) => {
    if (current.current !== room || room !== window.confabDemo?.room) return;
    current.current = undefined;
    delete window.confabDemo;
    set(end);
  });
  current.current = room;
  if (settings.encryptionKey) await room.setE2EEEnabled(true);
  await connect(room, access, endProblem);
  if (!wanted()) return void room.disconnect();
  window.confabDemo = { room };
  set({ phase: 'joined', room, access });
  await startDevices(room, settings, (problem) => {
    if (current.current === room) report(problem);
  });
}

async function attemptJoin(attempt: Attempt, learned: (access: Access) => void): Promise<void> {
  const { settings, current, set, wanted } = attempt;
  if (!isBrowserSupported()) {
    set(tooOld());
    return;
  }
  set({ phase: 'joining' });
  try {
    let access: Access | null = await getAccess(settings);
    if (!wanted()) return;
    learned(access);
    if (access.waiting) access = await wait(access, attempt);
    if (access && wanted()) await enter(access, attempt);
  } catch (error) {
    if (!wanted()) return;
    current.current = undefined;
    delete window.confabDemo;
    set(failed(error, settings));
  }
}

function useJoinAndLeave(current: Current, set: Setter, report: Report) {
  const attempt = useRef(0);
  const join = useCallback((settings: Settings, learned: (access: Access) => void) => {
    const mine = ++attempt.current;
    return attemptJoin({ settings, current, set, report, wanted: () => attempt.current === mine }, learned);
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
  const { join: start, leave } = useJoinAndLeave(current, setState, report);
  const join = useCallback((settings: Settings, learned: (access: Access) => void) => {
    clear();
    return start(settings, learned);
  }, [clear, start]);
  const toggle = useCallback(async (device: Device, on: boolean) => {
    if (current.current) report(await setDevice(current.current, device, on));
  }, [report]);
  return useMemo(
    () => ({ state, problems, join, leave, toggle, report, dismiss }),
    [state, problems, join, leave, toggle, report, dismiss],
  );
}
