// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What happened, newest first; older ones on demand.

import { useCallback, useEffect, useState } from 'react';
import { get } from '../api/client';
import type { EventRow } from '../api/types';
import { usePoll } from '../hooks/usePoll';
import { replaceAddress, useTitle } from '../hooks/useRoute';
import { describeFailure } from '../lib/failure';
import { mergeEvents } from '../lib/events';
import { addressOf, type Route } from '../lib/route';
import { strings } from '../strings';
import { Loading, PageHead, Refused, Time } from '../ui/bits';
import { type Column, Table } from '../ui/Table';

const text = strings.events;
const pageSize = 100;

interface Answer {
  events: EventRow[];
  kinds?: string[];
}

/** participant_joined as people write it. */
const words = (kind: string) => kind.replaceAll('_', ' ');

/** Phones have no column of kinds. */
function What({ row }: { row: EventRow }) {
  return (
    <span className="break">
      <span className="narrow">{words(row.kind)}</span> {row.text} {row.identity && <span className="muted">{row.identity}</span>}
    </span>
  );
}

function RoomLink({ row: { room, tenant } }: { row: EventRow }) {
  return room ? <a className="break" href={addressOf('rooms', [room], { tenant })}>{room}</a> : <>{strings.none}</>;
}

const columns: Column<EventRow>[] = [
  { id: 'at', title: text.at, cell: (row) => <Time at={row.at} /> },
  { id: 'kind', title: text.kind, cell: (row) => words(row.kind), wideOnly: true },
  { id: 'text', title: text.text, cell: (row) => <What row={row} /> },
  { id: 'room', title: text.room, cell: (row) => <RoomLink row={row} /> },
  { id: 'who', title: text.who, cell: (row) => row.who || strings.none, wideOnly: true },
];

function KindFilter({ kind, kinds }: { kind: string; kinds: string[] }) {
  const all = [...new Set([...kinds, ...(kind ? [kind] : [])])].sort();
  return (
    <label className="field field--inline">
      {text.kind}
      <select value={kind} data-testid="kind" onChange={(event) => replaceAddress(addressOf('events', [], { kind: event.target.value }))}>
        <option value="">{text.all}</option>
        {all.map((one) => <option key={one} value={one}>{words(one)}</option>)}
      </select>
    </label>
  );
}

/** The events of one kind; older pages are kept beside the newest, which is asked for again and again. */
function EventList({ kind, onKinds }: { kind: string; onKinds: (kinds: string[]) => void }) {
  const [older, setOlder] = useState<EventRow[]>([]);
  const [end, setEnd] = useState(false);
  const [failure, setFailure] = useState('');
  const { data, refusal } = usePoll<Answer>('events', { everyMs: 5000, params: { kind, limit: pageSize } });
  const events = mergeEvents(data?.events ?? [], older);
  const more = async () => {
    try {
      const answer = await get<Answer>('events', { kind, limit: pageSize, before: events[events.length - 1]?.at });
      setOlder((old) => mergeEvents(mergeEvents(events, old), answer.events));
      setEnd(answer.events.length < pageSize);
      setFailure('');
    } catch (error) {
      setFailure(describeFailure(error));
    }
  };
  const kinds = (data?.kinds ?? events.map((one) => one.kind)).join('\n');
  useEffect(() => {
    if (kinds) onKinds(kinds.split('\n'));
  }, [kinds, onKinds]);
  if (!data) return refusal ? <Refused refusal={refusal} /> : <Loading />;
  return (
    <>
      {refusal && <Refused refusal={refusal} />}
      <Table
        label={strings.pages.events} columns={columns} rows={events} rowKey={(_, index) => events.length - index}
        empty={strings.table.empty} testId="events"
      />
      {failure && <p className="problem" role="alert">{failure}</p>}
      {end || events.length < pageSize
        ? events.length > 0 && <p className="muted">{text.noMore}</p>
        : <button type="button" onClick={() => void more()} data-testid="older">{text.older}</button>}
    </>
  );
}

export function Events({ route }: { route: Route }) {
  useTitle(strings.pages.events);
  const { kind = '' } = route.params;
  const [kinds, setKinds] = useState<string[]>([]);
  const learn = useCallback((found: string[]) => setKinds((old) => [...new Set([...old, ...found])]), []);
  return (
    <>
      <PageHead title={strings.pages.events}><KindFilter kind={kind} kinds={kinds} /></PageHead>
      <EventList key={kind} kind={kind} onKinds={learn} />
    </>
  );
}
