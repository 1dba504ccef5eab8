// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What nodes and media workers carry.

import type { NodeRow, WorkerRow } from '../../api/types';
import { count, perSecond, rateOfBytes } from '../../lib/format';
import { strings } from '../../strings';
import { Badge, Meter, Time } from '../../ui/bits';
import { type Column, Table } from '../../ui/Table';

const { node, worker, rooms, participants, tracks } = strings.overview;

const healthy = /^(serving|ready|active|running)$/i;

const nodeColumns: Column<NodeRow>[] = [
  { id: 'id', title: node.id, cell: (row) => <>{row.id} {row.self && <Badge>{node.self}</Badge>}</> },
  { id: 'address', title: node.address, cell: (row) => row.address || strings.none, wideOnly: true },
  { id: 'region', title: node.region, cell: (row) => row.region || strings.none, wideOnly: true },
  { id: 'state', title: node.state, cell: (row) => <Badge tone={healthy.test(row.state) ? 'good' : 'warn'}>{row.state}</Badge> },
  { id: 'cpu', title: node.cpu, cell: (row) => <Meter share={row.cpu} label={node.cpu} /> },
  { id: 'rooms', title: rooms, numeric: true, cell: (row) => count(row.rooms), wideOnly: true },
  { id: 'participants', title: participants, numeric: true, cell: (row) => count(row.participants) },
  { id: 'tracks', title: tracks, numeric: true, cell: (row) => count(row.tracks), wideOnly: true },
  { id: 'since', title: strings.rooms.created, cell: (row) => <Time at={row.started_at} />, wideOnly: true },
];

const workerColumns: Column<WorkerRow>[] = [
  { id: 'index', title: worker.index, cell: (row) => row.index },
  { id: 'load', title: worker.load, cell: (row) => <Meter share={row.load} label={worker.load} /> },
  { id: 'peers', title: worker.peers, numeric: true, cell: (row) => count(row.peers) },
  { id: 'packets-in', title: worker.packetsIn, numeric: true, cell: (row) => perSecond(row.packets_in_per_s), wideOnly: true },
  { id: 'packets-out', title: worker.packetsOut, numeric: true, cell: (row) => perSecond(row.packets_out_per_s), wideOnly: true },
  { id: 'in', title: worker.in, numeric: true, cell: (row) => rateOfBytes(row.bytes_in_per_s) },
  { id: 'out', title: worker.out, numeric: true, cell: (row) => rateOfBytes(row.bytes_out_per_s) },
];

export function Nodes({ nodes }: { nodes: NodeRow[] }) {
  return (
    <Table
      label={strings.overview.nodes} columns={nodeColumns} rows={nodes} rowKey={(row) => row.id} empty={strings.table.empty}
      testId="nodes"
    />
  );
}

export function Workers({ workers }: { workers: WorkerRow[] }) {
  return (
    <Table
      label={strings.overview.workers} columns={workerColumns} rows={workers} rowKey={(row) => row.index} empty={strings.table.empty}
      testId="workers"
    />
  );
}
