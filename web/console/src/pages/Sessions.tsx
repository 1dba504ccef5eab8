// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Who was in which room, now and in the past.

import type { PastSession } from '../api/types';
import { usePart } from '../hooks/usePart';
import { replaceAddress, useTitle } from '../hooks/useRoute';
import { count, duration, localInput } from '../lib/format';
import { addressOf, type Route } from '../lib/route';
import { strings } from '../strings';
import { Badge, Loading, PageHead, Refused, Time } from '../ui/bits';
import { LongTable } from '../ui/LongTable';
import type { Column } from '../ui/Table';
import { PathBadge } from './room/People';

const text = strings.sessions;

function Quality({ value }: { value: PastSession['quality'] }) {
  if (value === null || value === '') return <>{strings.none}</>;
  return <>{typeof value === 'number' ? value.toFixed(1) : value}</>;
}

function clientOf({ sdk, sdk_version, browser, os }: PastSession): string {
  return [[sdk, sdk_version].filter(Boolean).join(' '), browser, os].filter(Boolean).join(', ');
}

/** To the room while they are there, else to all that there is of them. */
function placeOf({ room, tenant, identity, left_at }: PastSession): string {
  return left_at === null ? addressOf('rooms', [room, identity], { tenant }) : addressOf('sessions', [], { identity });
}

const columns: Column<PastSession>[] = [
  { id: 'identity', title: text.identity, cell: () => null },
  { id: 'room', title: text.room, wideOnly: true, cell: (row) => row.room },
  { id: 'joined', title: text.joined, width: 6.5, cell: (row) => <Time at={row.joined_at} /> },
  {
    id: 'length', title: text.length, width: 6, cell: (row) =>
      row.left_at === null ? <Badge tone="good">{text.still}</Badge> : duration(row.left_at - row.joined_at),
  },
  { id: 'reason', title: text.reason, wideOnly: true, cell: (row) => row.reason.toLowerCase().replaceAll('_', ' ') },
  { id: 'client', title: text.client, wideOnly: true, cell: clientOf },
  { id: 'path', title: text.path, width: 4.5, wideOnly: true, cell: (row) => <PathBadge path={row.path} /> },
  { id: 'quality', title: text.quality, width: 5, wideOnly: true, cell: (row) => <Quality value={row.quality} /> },
];

type Go = (params: Record<string, string>) => void;

function Filters({ params, go }: { params: Record<string, string>; go: Go }) {
  const moment = (name: 'from' | 'to') => (
    <label className="field field--inline">
      {strings.history[name]}
      <input
        type="datetime-local" value={Number(params[name]) > 0 ? localInput(Number(params[name])) : ''} data-testid={name}
        onChange={(event) => go({ [name]: event.target.value && String(new Date(event.target.value).getTime()) })}
      />
    </label>
  );
  const words = (name: 'identity' | 'room', search: boolean) => (
    <label className="field field--inline">
      {text[name]}
      <input
        type="search" value={params[name] ?? ''} onChange={(event) => go({ [name]: event.target.value })} autoComplete="off" spellCheck={false}
        placeholder={text.whole} data-search={search ? '' : undefined} data-testid={`filter-${name}`}
      />
    </label>
  );
  return (
    <div className="filters" role="group" aria-label={text.filter}>
      {words('identity', true)}{words('room', false)}{moment('from')}{moment('to')}
      <button type="button" onClick={() => go({ identity: '', room: '', from: '', to: '' })}>{text.clear}</button>
    </div>
  );
}

export function Sessions({ route }: { route: Route }) {
  useTitle(strings.pages.sessions);
  const go: Go = (params) => replaceAddress(addressOf('sessions', [], { ...route.params, ...params }));
  const { identity = '', room = '', from = '', to = '' } = route.params;
  const { total, offset, rows, onRange, polled } = usePart<PastSession>('sessions', 'sessions', { identity, room, from, to }, 10_000);
  return (
    <>
      <PageHead title={strings.pages.sessions}>
        <span className="muted" data-testid="total">{total !== undefined && strings.table.shown(count(total))}</span>
      </PageHead>
      <Filters params={route.params} go={go} />
      {polled.refusal && <Refused refusal={polled.refusal} />}
      {total === undefined && !polled.refusal && <Loading />}
      {total === 0 && <p className="muted" data-testid="empty">{identity || room || from || to ? strings.table.noMatch : strings.table.empty}</p>}
      {total !== undefined && total > 0 && (
        <LongTable
          label={strings.pages.sessions} columns={columns} total={total} offset={offset} rows={rows}
          rowKey={(row) => `${row.room_sid} ${row.sid} ${row.joined_at}`} href={placeOf}
          linkText={(row) => row.identity} onRange={onRange}
        />
      )}
    </>
  );
}
