// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// All rooms: the server searches and sorts, the page shows those on the screen.

import type { RoomRow } from '../api/types';
import { usePart } from '../hooks/usePart';
import { replaceAddress, useTitle } from '../hooks/useRoute';
import { count } from '../lib/format';
import { addressOf, type Route } from '../lib/route';
import { strings } from '../strings';
import { Badge, Loading, PageHead, Refused, Search, Time } from '../ui/bits';
import { LongTable } from '../ui/LongTable';
import type { Column } from '../ui/Table';

const text = strings.rooms;

const columns: Column<RoomRow>[] = [
  {
    id: 'name', title: text.name, sort: 'name', cell: ({ tenant, recording }) => (
      <>
        {tenant && <span className="muted"> {tenant}</span>}
        {recording && <> <Badge tone="bad">{text.recording}</Badge></>}
      </>
    ),
  },
  { id: 'participants', title: text.participants, width: 7, numeric: true, sort: 'participants', cell: (row) => count(row.participants) },
  { id: 'publishers', title: text.publishers, width: 6.5, numeric: true, wideOnly: true, cell: (row) => count(row.publishers) },
  { id: 'tracks', title: text.tracks, width: 4.5, numeric: true, sort: 'tracks', cell: (row) => count(row.tracks) },
  { id: 'created', title: text.created, width: 8, wideOnly: true, sort: 'created_at', cell: (row) => <Time at={row.created_at} /> },
  { id: 'metadata', title: text.metadata, wideOnly: true, cell: (row) => <span className="muted">{row.metadata}</span> },
];

export function Rooms({ route }: { route: Route }) {
  useTitle(strings.pages.rooms);
  const { search = '', sort = 'name', order = 'asc' } = route.params;
  const go = (params: Record<string, string>) => replaceAddress(addressOf('rooms', [], { ...route.params, ...params }));
  const { total, offset, rows, onRange, polled } = usePart<RoomRow>('rooms', 'rooms', { search, sort, order }, 2000);
  return (
    <>
      <PageHead title={strings.pages.rooms}>
        <Search label={strings.table.search} hint={text.searchHint} value={search} onChange={(value) => go({ search: value })} />
        <span className="muted" data-testid="total">{total !== undefined && strings.table.shown(count(total))}</span>
      </PageHead>
      {polled.refusal && <Refused refusal={polled.refusal} />}
      {total === undefined && !polled.refusal && <Loading />}
      {total === 0 && <p className="muted" data-testid="empty">{search ? strings.table.noMatch : strings.table.empty}</p>}
      {total !== undefined && total > 0 && (
        <LongTable
          label={strings.pages.rooms} columns={columns} total={total} offset={offset} rows={rows} rowKey={(row) => `${row.tenant ?? ''}/${row.name}`}
          href={({ name, tenant }) => addressOf('rooms', [name], { tenant })} linkText={(row) => row.name} onRange={onRange}
          order={{ by: sort, descending: order === 'desc' }}
          onOrder={({ by, descending }) => go({ sort: by, order: descending ? 'desc' : 'asc' })}
        />
      )}
    </>
  );
}
