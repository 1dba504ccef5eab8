// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Camera and microphone tried out before the call. Nothing is opened until the person asks for it.

import type { LocalVideoTrack } from 'livekit-client';
import { useEffect, useRef, useState } from 'react';
import { usePreview } from '../hooks/usePreview';
import type { Settings } from '../lib/params';
import { strings } from '../strings';
import { ProblemBox } from './Problems';

type Wish = Pick<Settings, 'video' | 'audio' | 'cameraId' | 'microphoneId'>;
type Choose = (part: Partial<Wish>) => void;

function Picture({ track }: { track: LocalVideoTrack }) {
  const video = useRef<HTMLVideoElement>(null);
  useEffect(() => {
    const element = video.current;
    if (!element) return undefined;
    track.attach(element);
    return () => void track.detach(element);
  }, [track]);
  return <video ref={video} className="preview__picture" muted playsInline aria-label={strings.preview.picture} data-testid="preview-video" />;
}

interface ChoiceProps {
  label: string;
  devices: MediaDeviceInfo[];
  chosen: string;
  onChoose: (id: string) => void;
  testId: string;
}

function Choice({ label, devices, chosen, onChoose, testId }: ChoiceProps) {
  return (
    <label className="field">
      {label}
      <select value={chosen || devices[0]?.deviceId} disabled={devices.length === 0} onChange={(event) => onChoose(event.target.value)} data-testid={testId}>
        {devices.length === 0 && <option value="">{strings.devices.none}</option>}
        {devices.map((device, index) => (
          <option key={device.deviceId || index} value={device.deviceId}>
            {device.label || strings.devices.unnamed(label, index + 1)}
          </option>
        ))}
      </select>
    </label>
  );
}

function Open({ wish, onChoose }: { wish: Wish; onChoose?: Choose }) {
  const { camera, level, cameras, microphones, problems } = usePreview(wish);
  return (
    <>
      {problems.map((problem) => <ProblemBox key={problem.key} problem={problem} />)}
      {camera && <Picture track={camera} />}
      {wish.audio && (
        <label className="field">
          {strings.preview.level}
          <meter min={0} max={1} value={Math.min(1, level * 2)} data-testid="preview-level" />
        </label>
      )}
      {onChoose && (
        <>
          {wish.video && (
            <Choice
              label={strings.devices.videoinput} devices={cameras} chosen={wish.cameraId} testId="preview-camera"
              onChoose={(cameraId) => onChoose({ cameraId })}
            />
          )}
          {wish.audio && (
            <Choice
              label={strings.devices.audioinput} devices={microphones} chosen={wish.microphoneId} testId="preview-microphone"
              onChoose={(microphoneId) => onChoose({ microphoneId })}
            />
          )}
        </>
      )}
    </>
  );
}

/** `onChoose`: without it the devices are shown, but not chosen. */
export function Preview({ wish, onChoose }: { wish: Wish; onChoose?: Choose }) {
  const [open, setOpen] = useState(false);
  if (!wish.video && !wish.audio) return null;
  return (
    <section className="preview" aria-label={strings.preview.heading}>
      <button type="button" aria-expanded={open} onClick={() => setOpen(!open)} data-testid="preview">
        {open ? strings.preview.close : strings.preview.open}
      </button>
      {open && <Open wish={wish} onChoose={onChoose} />}
    </section>
  );
}
