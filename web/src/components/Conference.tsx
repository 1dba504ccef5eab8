// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The call: banners, tiles, one side panel at a time, controls.

import { RoomAudioRenderer, RoomContext, useChat, useConnectionState, useStartAudio } from '@livekit/components-react';
import { ConnectionState, type Room } from 'livekit-client';
import { useState } from 'react';
import { useAnnouncements } from '../hooks/useAnnouncements';
import type { ConferenceHandle } from '../hooks/useConference';
import type { Settings } from '../lib/params';
import { strings } from '../strings';
import { ChatPanel } from './ChatPanel';
import { ControlBar, type PanelName } from './ControlBar';
import { DevicePanel } from './DevicePanel';
import { InvitePanel } from './InvitePanel';
import { ProblemList } from './Problems';
import { SidePanel } from './SidePanel';
import { Stage } from './Stage';
import { StatsPanel } from './StatsPanel';

interface Props {
  room: Room;
  settings: Settings;
  conference: ConferenceHandle;
}

function Banners({ room }: { room: Room }) {
  const state = useConnectionState(room);
  const { mergedProps, canPlayAudio } = useStartAudio({ room, props: {} });
  const broken = state === ConnectionState.Reconnecting || state === ConnectionState.SignalReconnecting;
  return (
    <>
      {broken && (
        <div className="problem problem--wait" role="alert" data-testid="reconnecting">
          <p><strong>{strings.status.reconnecting}</strong> {strings.status.reconnectingHint}</p>
        </div>
      )}
      {!canPlayAudio && (
        <div className="problem problem--wait">
          <p>{strings.status.startAudioHint}</p>
          <button type="button" onClick={mergedProps.onClick} data-testid="start-audio">{strings.status.startAudio}</button>
        </div>
      )}
    </>
  );
}

function CallStatus({ room }: { room: Room }) {
  return <p className="hidden" role="status" data-testid="status">{useAnnouncements(room)}</p>;
}

type ChatHandle = ReturnType<typeof useChat>;

function PanelBody({ name, room, settings, conference, chat }: Props & { name: PanelName; chat: ChatHandle }) {
  switch (name) {
    case 'chat':
      return <ChatPanel chat={chat} report={conference.report} />;
    case 'devices':
      return <DevicePanel room={room} report={conference.report} />;
    case 'stats':
      return <StatsPanel room={room} />;
    case 'invite':
      return <InvitePanel settings={settings} />;
  }
}

function CallView({ room, settings, conference }: Props) {
  const [panel, setPanel] = useState<PanelName | null>(null);
  const [seen, setSeen] = useState(0);
  const chat = useChat(); // No argument: the hook starts anew for every new options object.
  const count = chat.chatMessages.length;
  const unread = panel === 'chat' ? 0 : count - seen;
  const show = (next: PanelName | null) => {
    if (panel === 'chat' || next === 'chat') setSeen(count);
    setPanel(next);
  };
  return (
    <>
      <CallStatus room={room} />
      <div className="banners">
        <Banners room={room} />
        <ProblemList problems={conference.problems} onDismiss={conference.dismiss} />
      </div>
      <div className="call">
        <main id="content" data-testid="call-view"><Stage /></main>
        {panel && (
          <SidePanel name={panel} onClose={() => show(null)}>
            <PanelBody name={panel} room={room} settings={settings} conference={conference} chat={chat} />
          </SidePanel>
        )}
      </div>
      <ControlBar conference={conference} panel={panel} unread={unread} onPanel={show} />
    </>
  );
}

export function Conference(props: Props) {
  return (
    <RoomContext.Provider value={props.room}>
      <CallView {...props} />
      <RoomAudioRenderer />
    </RoomContext.Provider>
  );
}
