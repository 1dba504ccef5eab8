// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Camera and microphone before the call: shown to the person alone, and let go of afterwards.

import { createAudioAnalyser, createLocalTracks, type LocalAudioTrack, type LocalTrack, type LocalVideoTrack, Room, Track } from 'livekit-client';
import { useEffect, useState } from 'react';
import { hasMediaDevices } from '../lib/call';
import { type Device, deviceProblem, type Problem } from '../lib/errors';

const levelMs = 100;

export interface Preview {
  camera: LocalVideoTrack | null;
  /** 0 to 1. */
  level: number;
  cameras: MediaDeviceInfo[];
  microphones: MediaDeviceInfo[];
  problems: Problem[];
}

interface Wish {
  video: boolean;
  audio: boolean;
  cameraId: string;
  microphoneId: string;
}

async function open(device: Device, wish: Wish): Promise<LocalTrack | Problem | null> {
  const id = device === 'camera' ? wish.cameraId : wish.microphoneId;
  const options = id ? { deviceId: id } : true;
  try {
    const [track] = await createLocalTracks(device === 'camera' ? { video: options } : { audio: options });
    return track ?? null;
  } catch (error) {
    return deviceProblem(device, error, hasMediaDevices());
  }
}

function useTracks(wish: Wish) {
  const { video, audio, cameraId, microphoneId } = wish;
  const [found, setFound] = useState<(LocalTrack | Problem)[]>([]);
  useEffect(() => {
    const stop = new AbortController();
    let tracks: LocalTrack[] = [];
    void (async () => {
      const all: (LocalTrack | Problem)[] = [];
      for (const device of [...(video ? ['camera' as const] : []), ...(audio ? ['microphone' as const] : [])]) {
        const one = await open(device, { video, audio, cameraId, microphoneId });
        if (one) all.push(one);
      }
      tracks = all.filter((one): one is LocalTrack => !('key' in one));
      if (stop.signal.aborted) for (const track of tracks) track.stop();
      else setFound(all);
    })();
    return () => {
      stop.abort();
      for (const track of tracks) track.stop();
    };
  }, [video, audio, cameraId, microphoneId]);
  return found;
}

function useLevel(microphone: LocalAudioTrack | undefined): number {
  const [level, setLevel] = useState(0);
  useEffect(() => {
    setLevel(0);
    if (!microphone) return undefined;
    const { calculateVolume, cleanup } = createAudioAnalyser(microphone);
    const timer = window.setInterval(() => setLevel(calculateVolume()), levelMs);
    return () => {
      window.clearInterval(timer);
      void cleanup();
    };
  }, [microphone]);
  return level;
}

function useDevices(found: unknown): Pick<Preview, 'cameras' | 'microphones'> {
  const [devices, setDevices] = useState<Pick<Preview, 'cameras' | 'microphones'>>({ cameras: [], microphones: [] });
  useEffect(() => {
    let over = false;
    const list = (kind: MediaDeviceKind) => Room.getLocalDevices(kind, false).catch(() => []);
    void Promise.all([list('videoinput'), list('audioinput')]).then(([cameras, microphones]) => {
      if (!over) setDevices({ cameras, microphones });
    });
    return () => void (over = true);
  }, [found]);
  return devices;
}

export function usePreview(wish: Wish): Preview {
  const found = useTracks(wish);
  const camera = found.find((one): one is LocalVideoTrack => 'kind' in one && one.kind === Track.Kind.Video);
  const microphone = found.find((one): one is LocalAudioTrack => 'kind' in one && one.kind === Track.Kind.Audio);
  const problems = found.filter((one): one is Problem => 'key' in one);
  return { camera: camera ?? null, level: useLevel(microphone), problems, ...useDevices(found) };
}
