// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Deliveries to the addresses of the configuration, and sending one again.

import { send } from '../api/client';
import type { Delivery } from '../api/types';
import { useConsole } from '../hooks/useConsole';
import { usePoll } from '../hooks/usePoll';
import { replaceAddress, useTitle } from '../hooks/useRoute';
import { replay } from '../lib/actions';
import { count } from '../lib/format';
import { addressOf, type Route } from '../lib/route';
import { strings } from '../strings';
import { Badge, Loading, PageHead, Refused, Time, type Tone } from '../ui/bits';
import { type Column, Table } from '../ui/Table';

const text = strings.webhooks;
const tones: Record<string, Tone> = { delivered: 'good', waiting: 'warn', failed: 'bad' };

interface Answer {
  deliveries: Delivery[];
}

function ReplayButton({ delivery, refresh }: { delivery: Delivery; refresh: () => void }) {
  const { act } = useConsole();
  const action = replay(delivery.id, () => send('POST', 'webhooks/replay', { id: delivery.id, url: delivery.url }));
  return (
    <button
      type="button" aria-label={`${action.label}: ${delivery.event} ${delivery.room}`} onClick={() => act(action, refresh)}
      data-testid="replay"
    >
      {action.label}
    </button>
  );
}

function Status({ delivery: { status, error } }: { delivery: Delivery }) {
  return (
    <>
      <Badge tone={tones[status] ?? 'plain'}>{text.statuses[status] ?? status}</Badge> <span className="muted break">{error}</span>
    </>
  );
}

function columnsFor(operator: boolean, refresh: () => void): Column<Delivery>[] {
  const columns: Column<Delivery>[] = [
    { id: 'at', title: text.at, cell: (row) => <Time at={row.at} /> },
    { id: 'event', title: text.event, cell: (row) => <span className="break">{row.event}</span> },
    { id: 'room', title: text.room, cell: (row) => row.room || strings.none, wideOnly: true },
    { id: 'url', title: text.url, cell: (row) => <span className="break">{row.url}</span>, wideOnly: true },
    { id: 'attempts', title: text.attempts, numeric: true, cell: (row) => count(row.attempts), wideOnly: true },
    { id: 'status', title: text.status, cell: (row) => <Status delivery={row} /> },
  ];
  if (!operator) return columns;
  return [...columns, { id: 'replay', title: text.replay, cell: (row) => <ReplayButton delivery={row} refresh={refresh} /> }];
}

function StatusFilter({ status }: { status: string }) {
  return (
    <label className="field field--inline">
      {text.status}
      <select value={status} data-testid="status" onChange={(event) => replaceAddress(addressOf('webhooks', [], { status: event.target.value }))}>
        <option value="">{text.all}</option>
        {Object.entries(text.statuses).map(([name, label]) => <option key={name} value={name}>{label}</option>)}
      </select>
    </label>
  );
}

export function Webhooks({ route }: { route: Route }) {
  useTitle(strings.pages.webhooks);
  const { operator } = useConsole();
  const { status = '' } = route.params;
  const { data, refusal, refresh } = usePoll<Answer>('webhooks', { everyMs: 5000, params: { limit: 200 } });
  const rows = data?.deliveries.filter((one) => !status || one.status === status) ?? [];
  return (
    <>
      <PageHead title={strings.pages.webhooks}><StatusFilter status={status} /></PageHead>
      {refusal && <Refused refusal={refusal} />}
      {data ? (
        <Table
          label={strings.pages.webhooks} columns={columnsFor(operator, refresh)} rows={rows}
          rowKey={(row) => `${row.id} ${row.url}`} testId="deliveries"
          empty={status ? strings.table.noMatch : text.none}
        />
      ) : !refusal && <Loading />}
    </>
  );
}
