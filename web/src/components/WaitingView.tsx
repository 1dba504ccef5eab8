// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The lobby: a guest waits for the host.

import { useEffect, useRef } from 'react';
import { roomLabel } from '../lib/meeting';
import type { Settings } from '../lib/params';
import { strings } from '../strings';
import { Preview } from './Preview';

export function WaitingView({ settings, onCancel }: { settings: Settings; onCancel: () => void }) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    heading.current?.focus();
  }, []);
  return (
    <main id="content" className="card" data-testid="waiting-view">
      <h2 ref={heading} tabIndex={-1}>{strings.lobby.heading(roomLabel(settings.room))}</h2>
      <p role="status" data-testid="status">{strings.lobby.waiting}</p>
      <Preview wish={settings} />
      <div className="buttons">
        <button type="button" onClick={onCancel} data-testid="leave-lobby">{strings.lobby.cancel}</button>
      </div>
    </main>
  );
}
