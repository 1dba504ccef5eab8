// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The buttons of the call. Devices are toggles (aria-pressed), panels are disclosures (aria-expanded).

import { useLocalParticipant, useLocalParticipantPermissions } from '@livekit/components-react';
import { Track } from 'livekit-client';
import { type ReactNode, useState } from 'react';
import type { ConferenceHandle } from '../hooks/useConference';
import type { Device } from '../lib/errors';
import { mayPublish } from '../lib/permission';
import { strings } from '../strings';
import { Icon, type IconName } from './Icon';

export const panelNames = ['chat', 'people', 'invite', 'devices', 'stats'] as const;
export type PanelName = (typeof panelNames)[number];

interface ToggleProps {
  device: Device;
  on: boolean;
  /** False while the room does not let this person publish it. */
  allowed?: boolean;
  toggle: ConferenceHandle['toggle'];
}

function DeviceToggle({ device, on, allowed = true, toggle }: ToggleProps) {
  const [busy, setBusy] = useState(false);
  const off = !allowed && !on;
  const press = async () => {
    setBusy(true);
    await toggle(device, !on);
    setBusy(false);
  };
  return (
    <button
      type="button" className="control" aria-pressed={on} aria-busy={busy} aria-disabled={off}
      data-testid={`toggle-${device}`} onClick={() => !busy && !off && void press()}
    >
      <Icon name={device} off={!on && device !== 'screen'} />
      <span>{strings.controls[device]}</span>
    </button>
  );
}

interface SwitchProps {
  name: IconName & keyof typeof strings.controls;
  on: boolean;
  onClick: () => void;
  children?: ReactNode;
}

/** A toggle that is no device. */
export function Switch({ name, on, onClick }: SwitchProps) {
  return (
    <button type="button" className="control" aria-pressed={on} data-testid={`toggle-${name}`} onClick={onClick}>
      <Icon name={name} />
      <span>{strings.controls[name]}</span>
    </button>
  );
}

/** How many messages or people wait behind a panel's button. */
export interface Counts {
  unread: number;
  waiting: number;
}

interface PanelButtonProps {
  name: PanelName;
  open: boolean;
  counts: Counts;
  onClick: () => void;
}

function PanelButton({ name, open, counts, onClick }: PanelButtonProps) {
  const unread = name === 'chat' ? counts.unread : 0;
  const waiting = name === 'people' ? counts.waiting : 0;
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
      {waiting > 0 && (
        <span className="unread" data-testid="waiting-count">
          {waiting}<span className="hidden"> {strings.controls.waiting(waiting)}</span>
        </span>
      )}
    </button>
  );
}

interface Props {
  conference: ConferenceHandle;
  panel: PanelName | null;
  counts: Counts;
  onPanel: (panel: PanelName | null) => void;
  /** Between the devices and the panels. */
  children: ReactNode;
}

export function ControlBar({ conference, panel, counts, onPanel, children }: Props) {
  const { isMicrophoneEnabled, isCameraEnabled, isScreenShareEnabled } = useLocalParticipant();
  const { toggle, leave } = conference;
  const may = useLocalParticipantPermissions();
  return (
    <section className="controls" aria-label={strings.controls.bar}>
      <DeviceToggle
        device="microphone" on={isMicrophoneEnabled} toggle={toggle} allowed={mayPublish(may, Track.Source.Microphone)}
      />
      <DeviceToggle
        device="camera" on={isCameraEnabled} toggle={toggle} allowed={mayPublish(may, Track.Source.Camera)}
      />
      <DeviceToggle
        device="screen" on={isScreenShareEnabled} toggle={toggle} allowed={mayPublish(may, Track.Source.ScreenShare)}
      />
      {children}
      {panelNames.map((name) => (
        <PanelButton
          key={name} name={name} open={panel === name} counts={counts}
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
