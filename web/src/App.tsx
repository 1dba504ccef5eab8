// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The frame of the page and which of its three views is shown: join, call, connection test.

import { useEffect, useRef, useState } from 'react';
import { Conference } from './components/Conference';
import { ConnectionTest } from './components/ConnectionTest';
import { ErrorBoundary } from './components/ErrorBoundary';
import { Header } from './components/Header';
import { JoinForm } from './components/JoinForm';
import { useConference } from './hooks/useConference';
import { addressFor, parseSettings, type Settings } from './lib/params';
import { remembered } from './lib/storage';
import { strings } from './strings';

function initialSettings(): Settings {
  const settings = parseSettings(location.search, location.hash);
  return {
    ...settings,
    name: settings.name || remembered.get('name'),
    room: settings.room || remembered.get('room') || 'lobby',
  };
}

export function App() {
  const [settings, setSettings] = useState(initialSettings);
  const [testing, setTesting] = useState(() => new URLSearchParams(location.search).get('view') === 'test');
  const conference = useConference();
  const { state, join, leave } = conference;

  const enter = (chosen: Settings) => {
    setSettings(chosen);
    remembered.set('name', chosen.name);
    remembered.set('room', chosen.room);
    history.replaceState(null, '', addressFor(location.href, chosen));
    void join(chosen);
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
      <Header room={room} settings={settings} />
      <ErrorBoundary>
        {room ? (
          <Conference room={room} settings={settings} conference={conference} />
        ) : testing ? (
          <ConnectionTest settings={settings} onBack={() => setTesting(false)} />
        ) : (
          <JoinForm settings={settings} state={state} onJoin={enter} onCancel={leave} onTest={() => setTesting(true)} />
        )}
      </ErrorBoundary>
    </div>
  );
}
