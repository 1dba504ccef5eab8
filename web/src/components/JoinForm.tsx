// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The first view: who, where, and with what.

import { type FormEvent, useState } from 'react';
import type { CallState } from '../hooks/useConference';
import { hostKeys, isMeeting, roomLabel } from '../lib/meeting';
import { makeEncryptionKey, type Settings } from '../lib/params';
import { strings } from '../strings';
import { JoinOptions } from './JoinOptions';
import { Preview } from './Preview';
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
      {!isMeeting(draft.room) && (
        <label className="field">
          {strings.join.room}
          <input
            required pattern=".*\S.*" maxLength={64} autoComplete="off" autoCapitalize="none" spellCheck={false}
            value={draft.room} onChange={(event) => change({ room: event.target.value })} data-testid="room"
          />
        </label>
      )}
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
      <label className="check">
        <input
          type="checkbox" checked={Boolean(draft.encryptionKey)} data-testid="encrypt" aria-describedby="encrypt-hint"
          onChange={(event) => change({ encryptionKey: event.target.checked ? makeEncryptionKey() : '' })}
        />
        {strings.join.encrypt}
      </label>
      <p id="encrypt-hint" className="muted check__hint">{strings.join.encryptHint}</p>
      {!isMeeting(draft.room) && !draft.token && (
        <>
          <label className="check">
            <input
              type="checkbox" checked={draft.lobby} data-testid="open-meeting" aria-describedby="host-hint"
              onChange={(event) => change({ lobby: event.target.checked })}
            />
            {strings.join.host}
          </label>
          <p id="host-hint" className="muted check__hint">{strings.join.hostHint}</p>
        </>
      )}
    </div>
  );
}

function Heading({ draft, change }: { draft: Settings; change: Change }) {
  const meeting = isMeeting(draft.room);
  const forget = () => {
    hostKeys.set(draft.room, '');
    change({ hostKey: '' });
  };
  const leaveMeeting = () => change({ room: roomLabel(draft.room), hostKey: '' });
  if (!meeting) {
    return (
      <>
        <h2>{strings.join.heading}</h2>
        <p className="muted">{strings.join.intro}</p>
      </>
    );
  }
  return (
    <>
      <h2>{strings.join.meetingHeading(roomLabel(draft.room))}</h2>
      <p className="muted">{draft.hostKey ? strings.join.hostIntro : strings.join.meetingIntro}</p>
      <div className="buttons">
        {draft.hostKey && <button type="button" className="small" onClick={forget} data-testid="as-guest">{strings.join.asGuest}</button>}
        <button type="button" className="small" onClick={leaveMeeting} data-testid="other-room">{strings.join.otherRoom}</button>
      </div>
    </>
  );
}

function submitText(draft: Settings): string {
  if (!isMeeting(draft.room) || draft.token) return strings.join.submit;
  return draft.hostKey ? strings.join.enter : strings.join.knock;
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
      <Heading draft={draft} change={change} />
      <p className="status" role="status" data-testid="status">{status}</p>
      {state.phase === 'idle' && state.problem && <ProblemBox problem={state.problem} />}
      <form onSubmit={submit}>
        <NameAndRoom draft={draft} change={change} />
        <Start draft={draft} change={change} />
        {!joining && <Preview wish={draft} onChoose={change} />}
        <JoinOptions draft={draft} change={change} />
        <div className="buttons">
          <button type="submit" className="primary" disabled={joining} data-testid="join">
            {joining ? strings.join.joining : submitText(draft)}
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
