// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The certificates in use, and how long they last.

import type { Certificate } from '../../api/types';
import { count, daysLeft } from '../../lib/format';
import { strings } from '../../strings';
import { Badge, Time, type Tone } from '../../ui/bits';
import { type Column, Table } from '../../ui/Table';

const text = strings.overview;
const { certificate } = text;

/** Authorities that issue by ACME renew 30 days before the end: less than three weeks means that it failed. */
const tone = (days: number): Tone => (days < 7 ? 'bad' : days < 21 ? 'warn' : 'good');

function Left({ notAfter, now }: { notAfter: number; now: number }) {
  if (!notAfter) return <>{strings.none}</>;
  const days = daysLeft(notAfter, now);
  return <Badge tone={tone(days)}>{days < 0 ? text.expired : count(days)}</Badge>;
}

export function Certificates({ certificates, now }: { certificates: Certificate[]; now: number }) {
  const columns: Column<Certificate>[] = [
    { id: 'names', title: certificate.names, cell: (row) => row.names.join(', ') || strings.none },
    { id: 'use', title: certificate.use, cell: (row) => row.use ?? strings.none, wideOnly: true },
    { id: 'source', title: certificate.source, cell: (row) => text.source[row.source] ?? row.source, wideOnly: true },
    { id: 'state', title: certificate.state, cell: (row) => [row.state, row.detail].filter(Boolean).join(': ') || strings.none },
    { id: 'expires', title: certificate.expires, cell: (row) => <Time at={row.not_after} />, wideOnly: true },
    { id: 'left', title: certificate.left, numeric: true, cell: (row) => <Left notAfter={row.not_after} now={now} /> },
  ];
  return (
    <Table
      label={text.certificates} columns={columns} rows={certificates} rowKey={(_, index) => index}
      empty={text.noCertificates} testId="certificates"
    />
  );
}
