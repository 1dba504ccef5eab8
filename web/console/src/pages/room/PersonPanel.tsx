// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// One participant: client, path, rights, tracks, and what can be done.

import type { Participant } from '../../api/types';
import { type Place, remove, sendData, setParticipantMetadata, setPermission } from '../../lib/actions';
import { millis, rateOfBytes } from '../../lib/format';
import { describePermission } from '../../lib/permission';
import { publishedBytes } from '../../lib/person';
import { addressOf } from '../../lib/route';
import { strings } from '../../strings';
import { ActionBar } from '../../ui/ActionBar';
import { Facts, Section, Time, Verbatim } from '../../ui/bits';
import { PathBadge, QualityBadge } from './People';
import { TrackList } from './TrackList';

const text = strings.participant;

interface Props {
  place: Place;
  identity: string;
  /** Undefined once they left. */
  person: Participant | undefined;
  refresh: () => void;
}

function attributesText(attributes: Record<string, string>): string {
  return Object.entries(attributes).map(([name, value]) => `${name}=${value}`).join('\n');
}

function PersonFacts({ person }: { person: Participant }) {
  const { client } = person;
  const parts = [[client.sdk, client.version], [client.browser, client.browser_version], [client.os, client.os_version], [client.device]];
  const program = parts.map((words) => words.filter((word) => word && word !== 'Unknown').join(' ')).filter(Boolean).join(', ');
  const dataTracks = (person.data_tracks ?? []).map(({ name, sid }) => name ?? sid).join(', ');
  return (
    <Facts
      rows={[
        [text.name, person.name || strings.none],
        [text.sid, <Verbatim key="sid" text={person.sid} />],
        [text.state, person.state.toLowerCase()],
        [text.joined, <Time key="joined" at={person.joined_at} />],
        [text.quality, <QualityBadge key="quality" quality={person.quality} score={person.score} />],
        [text.path, <><PathBadge path={person.path} /> {person.remote}</>],
        [text.rtt, millis(person.rtt_ms)],
        [text.in, rateOfBytes(publishedBytes(person))],
        ...(person.bytes_out_per_s === undefined ? [] : [[text.out, rateOfBytes(person.bytes_out_per_s)] satisfies [string, string]]),
        ...(dataTracks ? [[text.dataTracks, dataTracks] satisfies [string, string]] : []),
        [text.client, program || strings.none],
        [text.address, client.address || strings.none],
        [text.permission, describePermission(person.permission)],
        [text.metadata, <Verbatim key="metadata" text={person.metadata} />],
        [text.attributes, <Verbatim key="attributes" text={attributesText(person.attributes)} />],
      ]}
    />
  );
}

export function PersonPanel({ place, identity, person, refresh }: Props) {
  return (
    <section className="panel" aria-label={identity} data-testid="person">
      <div className="head">
        <h2 tabIndex={-1}>{identity}</h2>
        <a className="button" href={addressOf('rooms', [place.room], { tenant: place.tenant })} data-testid="close-person">{strings.close}</a>
      </div>
      {person ? (
        <>
          <ActionBar
            label={text.actions} after={refresh}
            actions={[setPermission(place, person), setParticipantMetadata(place, person), sendData(place, identity), remove(place, identity)]}
          />
          <Section title={text.tracks}><TrackList place={place} person={person} refresh={refresh} /></Section>
          <PersonFacts person={person} />
        </>
      ) : <p className="banner" role="status" data-testid="person-gone">{text.gone}</p>}
    </section>
  );
}
