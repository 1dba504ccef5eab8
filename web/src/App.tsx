// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The frame of the page and which of its views is shown: join, lobby, call, connection test.

import { useEffect, useRef, useState } from 'react';
import { Conference } from './components/Conference';
import { ConnectionTest } from './components/ConnectionTest';
import { ErrorBoundary } from './components/ErrorBoundary';
import { Header } from './components/Header';
import { JoinForm } from './components/JoinForm';
import { WaitingView } from './components/WaitingView';
import { useConference } from './hooks/useConference';
import { useLanguage } from './hooks/useLanguage';
import { hostKeys } from './lib/meeting';
import { addressFor, parseSettings, type Settings } from './lib/params';
import { remembered } from '../shared/storage';
import type { Access } from './lib/token';
import { strings } from './strings';

function initialSettings(): Settings {
  const settings = parseSettings(location.search, location.hash);
  const room = settings.room || remembered.get('room') || 'lobby';
  return {
    ...settings,
    name: settings.name || remembered.get('name'),
    room,
    // Kept once the server has taken it: a link of somebody else must not cost the key that is kept.
    hostKey: settings.hostKey || hostKeys.get(room),
  };
}

/** What the settings are once the server has said what the meeting is called. */
function withAccess(chosen: Settings, access: Access): Settings {
  const room = access.room || chosen.room;
  const hostKey = chosen.token ? '' : access.hostKey;
  if (hostKey) hostKeys.set(room, hostKey);
  return { ...chosen, room, hostKey, lobby: false };
}

function show(settings: Settings): void {
  remembered.set('name', settings.name);
  remembered.set('room', settings.room);
  history.replaceState(null, '', addressFor(location.href, settings));
}

export function App() {
  const [settings, setSettings] = useState(initialSettings);
  const [testing, setTesting] = useState(() => new URLSearchParams(location.search).get('view') === 'test');
  const languages = useLanguage();
  const conference = useConference();
  const { state, join, leave } = conference;

  const enter = (chosen: Settings) => {
    setSettings(chosen);
    if (!chosen.lobby) show(chosen);
    void join(chosen, (access) => {
      const known = withAccess(chosen, access);
      setSettings(known);
      show(known);
    });
  };

  const started = useRef(false);
  useEffect(() => {
    if (started.current || !settings.autojoin || !settings.name || !settings.room) return;
    started.current = true;
    enter(settings);
  });

  const room = state.phase === 'joined' ? state.room : undefined;
  return (
    <div className={room ? 'app app--call' : 'app'}>
      <a className="skip" href="#content">{strings.skip}</a>
      <Header room={room} settings={settings} languages={languages} />
      <ErrorBoundary>
        {state.phase === 'joined' ? (
          <Conference room={state.room} access={state.access} settings={settings} conference={conference} />
        ) : state.phase === 'waiting' ? (
          <WaitingView settings={settings} onCancel={leave} />
        ) : testing ? (
          <ConnectionTest settings={settings} onBack={() => setTesting(false)} />
        ) : (
          <JoinForm
            key={`${settings.room} ${settings.hostKey}`} settings={settings} state={state}
            onJoin={enter} onCancel={leave} onTest={() => setTesting(true)}
          />
        )}
      </ErrorBoundary>
    </div>
  );
}
