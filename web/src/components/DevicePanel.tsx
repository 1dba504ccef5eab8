// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Choice of microphone, camera and speaker.

import { useLocalParticipant, useMediaDeviceSelect } from '@livekit/components-react';
import { type Room, supportsAudioOutputSelection } from 'livekit-client';
import { useCallback, useState } from 'react';
import { type ConferenceHandle, hasMediaDevices } from '../hooks/useConference';
import { canBlur, isBlurred, setBlur } from '../lib/blur';
import { deviceProblem } from '../lib/errors';
import { strings } from '../strings';
import { ProblemBox } from './Problems';

interface Props {
  room: Room;
  report: ConferenceHandle['report'];
}

const deviceOf = { audioinput: 'microphone', videoinput: 'camera', audiooutput: 'microphone' } as const;

function DeviceSelect({ room, kind, report }: Props & { kind: MediaDeviceKind }) {
  // Kept stable: the hook enumerates anew for every new callback.
  const onError = useCallback((error: Error) => report(deviceProblem(deviceOf[kind], error)), [kind, report]);
  const { devices, activeDeviceId, setActiveMediaDevice } = useMediaDeviceSelect({ room, kind, onError });
  const label = strings.devices[kind];
  const active = devices.find((device) => device.deviceId === activeDeviceId) ?? devices[0];
  return (
    <label className="field">
      {label}
      <select
        value={active?.deviceId ?? ''} disabled={devices.length === 0} data-testid={`device-${kind}`}
        onChange={(event) => void setActiveMediaDevice(event.target.value).catch(onError)}
      >
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

/** Shown where the system can blur what is behind the person. */
function BlurCheck({ report }: Pick<Props, 'report'>) {
  const { cameraTrack } = useLocalParticipant();
  const track = cameraTrack?.track?.mediaStreamTrack;
  const [, setTimes] = useState(0);
  if (!track || !canBlur(track)) return null;
  const change = (on: boolean) => {
    const drawAnew = () => setTimes((times) => times + 1);
    void setBlur(track, on).then(drawAnew, (error: unknown) => report(deviceProblem('camera', error)));
  };
  return (
    <label className="check">
      <input type="checkbox" checked={isBlurred(track)} onChange={(event) => change(event.target.checked)} data-testid="blur" />
      {strings.devices.blur}
    </label>
  );
}

export function DevicePanel({ room, report }: Props) {
  if (!hasMediaDevices()) return <ProblemBox problem={{ key: 'insecurePage', detail: '' }} />;
  return (
    <>
      <DeviceSelect room={room} report={report} kind="audioinput" />
      <DeviceSelect room={room} report={report} kind="videoinput" />
      <BlurCheck report={report} />
      {supportsAudioOutputSelection() ? (
        <DeviceSelect room={room} report={report} kind="audiooutput" />
      ) : (
        <p className="muted">{strings.devices.fixedOutput}</p>
      )}
    </>
  );
}
