// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The first view: who, where, and with what.

import { type FormEvent, useState } from 'react';
import type { CallState } from '../hooks/useConference';
import type { Settings } from '../lib/params';
import { strings } from '../strings';
import { JoinOptions } from './JoinOptions';
import { ProblemBox } from './Problems';

interface Props {
  settings: Settings;
  state: CallState;
  onJoin: (settings: Settings) => void;
  onCancel: () => void;
  onTest: () => void;
}

export type Change = (part: Partial<Settings>) => void;

function NameAndRoom({ draft, change }: { draft: Settings; change: Change }) {
  return (
    <>
      <label className="field">
        {strings.join.name}
        <input
          required pattern=".*\S.*" maxLength={64} autoComplete="nickname" value={draft.name}
          onChange={(event) => change({ name: event.target.value, identity: '' })} data-testid="name"
        />
      </label>
      <label className="field">
        {strings.join.room}
        <input
          required pattern=".*\S.*" maxLength={64} autoComplete="off" autoCapitalize="none" spellCheck={false}
          value={draft.room} onChange={(event) => change({ room: event.target.value })} data-testid="room"
        />
      </label>
    </>
  );
}

function Start({ draft, change }: { draft: Settings; change: Change }) {
  return (
    <div className="checks">
      <label className="check">
        <input
          type="checkbox" checked={draft.video} data-testid="start-camera"
          onChange={(event) => change({ video: event.target.checked })}
        />
        {strings.join.camera}
      </label>
      <label className="check">
        <input
          type="checkbox" checked={draft.audio} data-testid="start-microphone"
          onChange={(event) => change({ audio: event.target.checked })}
        />
        {strings.join.microphone}
      </label>
    </div>
  );
}

export function JoinForm({ settings, state, onJoin, onCancel, onTest }: Props) {
  const [draft, setDraft] = useState(settings);
  const joining = state.phase === 'joining';
  const change: Change = (part) => setDraft({ ...draft, ...part });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    onJoin({ ...draft, name: draft.name.trim(), room: draft.room.trim() });
  };
  const status = joining ? strings.status.joining : state.phase === 'idle' && state.left ? strings.status.left : '';
  return (
    <main id="content" className="card" data-testid="join-view" data-phase={state.phase}>
      <h2>{strings.join.heading}</h2>
      <p className="muted">{strings.join.intro}</p>
      <p className="status" role="status" data-testid="status">{status}</p>
      {state.phase === 'idle' && state.problem && <ProblemBox problem={state.problem} />}
      <form onSubmit={submit}>
        <NameAndRoom draft={draft} change={change} />
        <Start draft={draft} change={change} />
        <JoinOptions draft={draft} change={change} />
        <div className="buttons">
          <button type="submit" className="primary" disabled={joining} data-testid="join">
            {joining ? strings.join.joining : strings.join.submit}
          </button>
          {joining && <button type="button" onClick={onCancel} data-testid="cancel">{strings.join.cancel}</button>}
          <button type="button" onClick={onTest} disabled={joining} data-testid="open-test">{strings.join.test}</button>
        </div>
      </form>
      <p className="muted">{strings.join.tabHint}</p>
      <p className="muted"><a href={`${import.meta.env.BASE_URL}third-party.txt`}>{strings.notices}</a></p>
    </main>
  );
}
