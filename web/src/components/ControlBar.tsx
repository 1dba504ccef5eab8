// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The buttons of the call. Devices are toggles (aria-pressed), panels are disclosures (aria-expanded).

import { useLocalParticipant } from '@livekit/components-react';
import { useState } from 'react';
import type { ConferenceHandle } from '../hooks/useConference';
import type { Device } from '../lib/errors';
import { strings } from '../strings';
import { Icon } from './Icon';

export const panelNames = ['chat', 'devices', 'stats', 'invite'] as const;
export type PanelName = (typeof panelNames)[number];

interface ToggleProps {
  device: Device;
  on: boolean;
  toggle: ConferenceHandle['toggle'];
}

function DeviceToggle({ device, on, toggle }: ToggleProps) {
  const [busy, setBusy] = useState(false);
  const press = async () => {
    setBusy(true);
    await toggle(device, !on);
    setBusy(false);
  };
  return (
    <button
      type="button" className="control" aria-pressed={on} aria-busy={busy} data-testid={`toggle-${device}`}
      onClick={() => !busy && void press()}
    >
      <Icon name={device} off={!on && device !== 'screen'} />
      <span>{strings.controls[device]}</span>
    </button>
  );
}

interface PanelButtonProps {
  name: PanelName;
  open: boolean;
  unread: number;
  onClick: () => void;
}

function PanelButton({ name, open, unread, onClick }: PanelButtonProps) {
  return (
    <button
      type="button" id={`open-${name}`} className="control" aria-expanded={open}
      aria-controls={open ? 'panel' : undefined} data-testid={`open-${name}`} onClick={onClick}
    >
      <Icon name={name} />
      <span>{strings.controls[name]}</span>
      {unread > 0 && (
        <span className="unread" data-testid="unread">
          {unread}<span className="hidden"> {strings.controls.unread(unread)}</span>
        </span>
      )}
    </button>
  );
}

interface Props {
  conference: ConferenceHandle;
  panel: PanelName | null;
  unread: number;
  onPanel: (panel: PanelName | null) => void;
}

export function ControlBar({ conference, panel, unread, onPanel }: Props) {
  const { isMicrophoneEnabled, isCameraEnabled, isScreenShareEnabled } = useLocalParticipant();
  const { toggle, leave } = conference;
  return (
    <section className="controls" aria-label={strings.controls.bar}>
      <DeviceToggle device="microphone" on={isMicrophoneEnabled} toggle={toggle} />
      <DeviceToggle device="camera" on={isCameraEnabled} toggle={toggle} />
      <DeviceToggle device="screen" on={isScreenShareEnabled} toggle={toggle} />
      {panelNames.map((name) => (
        <PanelButton
          key={name} name={name} open={panel === name} unread={name === 'chat' ? unread : 0}
          onClick={() => onPanel(panel === name ? null : name)}
        />
      ))}
      <button type="button" className="control control--leave" onClick={leave} data-testid="leave">
        <Icon name="leave" />
        <span>{strings.controls.leave}</span>
      </button>
    </section>
  );
}
