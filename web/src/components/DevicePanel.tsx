// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Choice of microphone, camera and speaker.

import { useMediaDeviceSelect } from '@livekit/components-react';
import { type Room, supportsAudioOutputSelection } from 'livekit-client';
import { useCallback } from 'react';
import { type ConferenceHandle, hasMediaDevices } from '../hooks/useConference';
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

export function DevicePanel({ room, report }: Props) {
  if (!hasMediaDevices()) return <ProblemBox problem={{ key: 'insecurePage', detail: '' }} />;
  return (
    <>
      <DeviceSelect room={room} report={report} kind="audioinput" />
      <DeviceSelect room={room} report={report} kind="videoinput" />
      {supportsAudioOutputSelection() ? (
        <DeviceSelect room={room} report={report} kind="audiooutput" />
      ) : (
        <p className="muted">{strings.devices.fixedOutput}</p>
      )}
    </>
  );
}
