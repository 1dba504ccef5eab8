// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Who is there, who raises a hand, who waits; and what a host can do about it.

import { useIsMuted, useParticipantAttributes, useParticipants, useParticipantTracks } from '@livekit/components-react';
import { type Participant, Track } from 'livekit-client';
import { useState } from 'react';
import type { HostHandle } from '../hooks/useHost';
import type { Person } from '../lib/room_service';
import { handOf } from '../lib/reactions';
import { strings } from '../strings';
import { Icon } from './Icon';

interface ActionProps {
  text: string;
  /** Whom it is done to, for those who hear one button after the other. */
  name: string;
  onClick: () => void;
  testId: string;
}

function Action({ text, name, onClick, testId }: ActionProps) {
  return (
    <button type="button" className="small" onClick={onClick} data-testid={testId}>
      {text}<span className="hidden">: {name}</span>
    </button>
  );
}

function Knocking({ person, host }: { person: Person; host: HostHandle }) {
  const { name } = person;
  const text = strings.lobby;
  return (
    <li className="person" data-testid="waiting" data-participant={person.identity}>
      <span className="person__name">{name}</span>
      <Action text={text.admit} name={name} onClick={() => host.admit(person)} testId="admit" />
      <Action text={text.deny} name={name} onClick={() => host.deny(person)} testId="deny" />
    </li>
  );
}

function Lobby({ host }: { host: HostHandle }) {
  const { waiting, admit } = host;
  if (waiting.length === 0) return null;
  return (
    <section aria-labelledby="lobby-heading">
      <h3 id="lobby-heading">{strings.lobby.list}</h3>
      <ul className="people">{waiting.map((person) => <Knocking key={person.identity} person={person} host={host} />)}</ul>
      {waiting.length > 1 && (
        <button type="button" className="small" onClick={() => waiting.forEach(admit)} data-testid="admit-all">{strings.lobby.admitAll}</button>
      )}
    </section>
  );
}

function HostActions({ who, name, raised, host }: { who: Participant; name: string; raised: boolean; host: HostHandle }) {
  const silent = useIsMuted({ participant: who, source: Track.Source.Microphone });
  const [screen] = useParticipantTracks([Track.Source.ScreenShare], { participantIdentity: who.identity });
  const { identity } = who;
  const text = strings.people;
  return (
    <div className="buttons">
      {!silent && <Action text={text.mute} name={name} onClick={() => host.mute(identity)} testId="mute" />}
      {screen && <Action text={text.stopShare} name={name} onClick={() => host.stopScreen(identity)} testId="stop-share" />}
      {raised && <Action text={text.lowerHand} name={name} onClick={() => host.lowerHand(identity)} testId="lower-hand" />}
      <Action text={text.remove} name={name} onClick={() => host.remove(identity)} testId="remove" />
    </div>
  );
}

function InCall({ who, host }: { who: Participant; host: HostHandle | null }) {
  const silent = useIsMuted({ participant: who, source: Track.Source.Microphone });
  const { attributes } = useParticipantAttributes({ participant: who });
  const raised = handOf(attributes ?? {}) > 0;
  const name = who.name || who.identity;
  const mark = [who.isLocal ? strings.tile.you : '', who.isLocal && host ? strings.people.host : ''].filter(Boolean).join(', ');
  return (
    <li className="person" data-testid="person" data-participant={who.identity}>
      <span className="person__name">{name}{mark && ` (${mark})`}</span>
      {raised && <span role="img" aria-label={strings.reactions.hand}><Icon name="hand" /></span>}
      {silent && <span role="img" aria-label={strings.tile.muted} className="muted"><Icon name="microphone" off /></span>}
      {host && !who.isLocal && <HostActions who={who} name={name} raised={raised} host={host} />}
    </li>
  );
}

function Meeting({ host, onEnd }: { host: HostHandle; onEnd: () => void }) {
  const [sure, setSure] = useState(false);
  const text = strings.people;
  const end = () => {
    if (sure) void host.endForAll().then(onEnd);
    else setSure(true);
  };
  return (
    <section className="host" aria-label={text.host}>
      {host.canLock && (
        <>
          <label className="check">
            <input type="checkbox" checked={host.locked} onChange={(event) => host.setLocked(event.target.checked)} aria-describedby="lock-hint" data-testid="lock" />
            {text.lock}
          </label>
          <p id="lock-hint" className="muted check__hint">{text.lockHint}</p>
        </>
      )}
      <div className="buttons">
        <button type="button" onClick={host.muteAll} data-testid="mute-all">{text.muteAll}</button>
        <button type="button" className="danger" onClick={end} data-testid="end-all">{text.endAll}</button>
      </div>
      <p role="status" className="muted">{sure ? text.endSure : ''}</p>
    </section>
  );
}

export function PeoplePanel({ host, onEnd }: { host: HostHandle | null; onEnd: () => void }) {
  const people = useParticipants();
  return (
    <>
      {host && <Lobby host={host} />}
      <section aria-labelledby="people-heading">
        <h3 id="people-heading">{strings.people.list}</h3>
        <ul className="people">{people.map((who) => <InCall key={who.identity} who={who} host={host} />)}</ul>
      </section>
      {host && <Meeting host={host} onEnd={onEnd} />}
    </>
  );
}
