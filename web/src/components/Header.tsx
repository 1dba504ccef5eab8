// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Title, room with the state of the connection, colour switch.

import { useConnectionState, useParticipants } from '@livekit/components-react';
import { ConnectionState, type Room } from 'livekit-client';
import { useState } from 'react';
import type { LanguageSwitch } from '../hooks/useLanguage';
import { roomLabel } from '../lib/meeting';
import type { Settings } from '../lib/params';
import { applyTheme, loadTheme, nextTheme } from '../../shared/theme';
import { catalogues, strings } from '../strings';

function ThemeButton() {
  const [theme, setTheme] = useState(loadTheme);
  const change = () => {
    const next = nextTheme(theme);
    applyTheme(next);
    setTheme(next);
  };
  return (
    <button type="button" className="small" aria-label={`${strings.theme.label}: ${strings.theme[theme]}`} onClick={change} data-testid="theme" data-value={theme}>
      <span className="wide-only">{strings.theme.label}: </span>
      {strings.theme[theme]}
    </button>
  );
}

function LanguageButton({ language, next, change }: LanguageSwitch) {
  const { name, short } = catalogues[next].strings.language;
  return (
    <button type="button" className="small" lang={next} onClick={change} data-testid="language" data-value={language}>
      <span className="wide-only">{name}</span>
      <span className="narrow-only" aria-hidden="true">{short}</span>
      <span className="hidden narrow-only">{name}</span>
    </button>
  );
}

function RoomState({ room, name }: { room: Room; name: string }) {
  const state = useConnectionState(room);
  const people = useParticipants({ room }).length;
  const connected = state === ConnectionState.Connected;
  return (
    <p className="header__room">
      <strong data-testid="room-name">{name}</strong>
      <span className={connected ? 'badge badge--good' : 'badge badge--warn'} data-testid="connection-state" data-state={state}>
        {connected ? strings.status.connected : strings.status.reconnecting}
      </span>
      <span className="wide-only" data-testid="people" data-count={people}>{strings.status.people(people)}</span>
    </p>
  );
}

interface Props {
  room: Room | undefined;
  settings: Settings;
  languages: LanguageSwitch;
}

export function Header({ room, settings, languages }: Props) {
  return (
    <header className="header">
      <h1 className={room ? 'wide-seen' : undefined}>{strings.title}</h1>
      {room && <RoomState room={room} name={roomLabel(settings.room)} />}
      <div className="header__switches">
        <LanguageButton {...languages} />
        <ThemeButton />
      </div>
    </header>
  );
}
