// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The call: banners, tiles, one side panel at a time, controls.

import {
  RoomAudioRenderer, RoomContext, useChat, useConnectionState, useIsRecording, useRoomInfo, useStartAudio,
} from '@livekit/components-react';
import { ConnectionState, type Room } from 'livekit-client';
import { useState } from 'react';
import { useAnnouncements } from '../hooks/useAnnouncements';
import { useCaptions } from '../hooks/useCaptions';
import type { ConferenceHandle } from '../hooks/useConference';
import { raiseHand, useHands, useReactions } from '../hooks/useHands';
import { type HostHandle, useHost } from '../hooks/useHost';
import { useRecording } from '../hooks/useRecording';
import { type Layout, parseLayout } from '../lib/layout';
import { readNotes } from '../lib/meeting';
import type { Settings } from '../lib/params';
import { remembered } from '../../shared/storage';
import type { Access } from '../lib/token';
import { strings } from '../strings';
import { CaptionLines, Knock, ReactionBar, TopLine } from './CallExtras';
import { ChatPanel } from './ChatPanel';
import { ControlBar, type PanelName, Switch } from './ControlBar';
import { DevicePanel } from './DevicePanel';
import { InvitePanel } from './InvitePanel';
import { PeoplePanel } from './PeoplePanel';
import { ProblemList } from './Problems';
import { SidePanel } from './SidePanel';
import { Stage } from './Stage';
import { StatsPanel } from './StatsPanel';

interface Props {
  room: Room;
  access: Access;
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

interface PanelProps extends Omit<Props, 'access'> {
  name: PanelName;
  chat: ChatHandle;
  host: HostHandle | null;
}

function PanelBody({ name, room, settings, conference, chat, host }: PanelProps) {
  switch (name) {
    case 'chat':
      return <ChatPanel chat={chat} report={conference.report} />;
    case 'people':
      return <PeoplePanel host={host} onEnd={conference.leave} />;
    case 'devices':
      return <DevicePanel room={room} report={conference.report} />;
    case 'stats':
      return <StatsPanel room={room} />;
    case 'invite':
      return <InvitePanel settings={settings} />;
  }
}

function useLayout(): [Layout, (layout: Layout) => void] {
  const [layout, setLayout] = useState(() => parseLayout(remembered.get('layout')));
  const change = (next: Layout) => {
    remembered.set('layout', next);
    setLayout(next);
  };
  return [layout, change];
}

/** One panel at a time, and how many messages came while the chat was closed. */
function usePanels() {
  const [panel, setPanel] = useState<PanelName | null>(null);
  const [seen, setSeen] = useState(0);
  const chat = useChat(); // No argument: the hook starts anew for every new options object.
  const count = chat.chatMessages.length;
  const unread = panel === 'chat' ? 0 : count - seen;
  const show = (next: PanelName | null) => {
    if (panel === 'chat' || next === 'chat') setSeen(count);
    setPanel(next);
  };
  return { panel, show, chat, unread };
}

function HandSwitch({ room, conference }: Pick<Props, 'room' | 'conference'>) {
  const up = useHands(room).some(({ identity }) => identity === room.localParticipant.identity);
  const toggle = () => void raiseHand(room, !up).catch((error: unknown) => {
    conference.report({ key: 'unknown', detail: error instanceof Error ? error.message : String(error) });
  });
  return <Switch name="hand" on={up} onClick={toggle} />;
}

function CallView({ room, access, settings, conference }: Props) {
  const { panel, show, chat, unread } = usePanels();
  const [layout, setLayout] = useLayout();
  const [reacting, setReacting] = useState(false);
  const [captioned, setCaptioned] = useState(true);
  const host = useHost(room, access, conference.report);
  const reactions = useReactions(room);
  const { lines } = useCaptions(room);
  const recording = useRecording(room, access, conference.report);
  const recorded = useIsRecording(room);
  const { locked } = readNotes(useRoomInfo({ room }).metadata);
  return (
    <>
      <CallStatus room={room} />
      <div className="banners">
        <Banners room={room} />
        {host && panel !== 'people' && <Knock host={host} />}
        <ProblemList problems={conference.problems} onDismiss={conference.dismiss} />
      </div>
      <div className="call">
        <main id="content" data-testid="call-view">
          <TopLine layout={layout} onLayout={setLayout} locked={locked} recorded={recorded} />
          <Stage layout={layout} reactions={reactions.shown} />
          {lines && captioned && <CaptionLines room={room} lines={lines} />}
        </main>
        {panel && (
          <SidePanel name={panel} onClose={() => show(null)}>
            <PanelBody name={panel} room={room} settings={settings} conference={conference} chat={chat} host={host} />
          </SidePanel>
        )}
      </div>
      {reacting && <ReactionBar onReact={reactions.react} />}
      <ControlBar conference={conference} panel={panel} counts={{ unread, waiting: host?.waiting.length ?? 0 }} onPanel={show}>
        <HandSwitch room={room} conference={conference} />
        <Switch name="reactions" on={reacting} onClick={() => setReacting(!reacting)} />
        {lines && <Switch name="captions" on={captioned} onClick={() => setCaptioned(!captioned)} />}
        {recording && <Switch name="record" on={recording.on} onClick={() => void recording.toggle()} />}
      </ControlBar>
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
