// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// How many wanted in, how many got media, and what stopped the others.

import type { Joins } from '../../api/types';
import { count, percent } from '../../lib/format';
import { strings } from '../../strings';
import { Table } from '../../ui/Table';

const text = strings.overview;

function Step({ name, value, of }: { name: string; value: number; of: number }) {
  const share = of > 0 ? value / of : 0;
  return (
    <div className="funnel__step">
      <dt>{name}</dt>
      <dd>
        <span className="funnel__track" aria-hidden="true"><span className="funnel__bar" style={{ width: `${Math.min(100, share * 100)}%` }} /></span>
        {count(value)} <span className="muted">{of > 0 ? percent(share) : ''}</span>
      </dd>
    </div>
  );
}

export function JoinFunnel({ joins }: { joins: Joins }) {
  const lost = [...joins.refused, { reason: text.mediaFailed, count: joins.failed }, { reason: text.canceled, count: joins.canceled }];
  const reasons = lost.filter((one) => one.count > 0).sort((a, b) => b.count - a.count);
  return (
    <>
      <dl className="funnel" data-testid="funnel">
        <Step name={text.funnel.attempted} value={joins.attempted} of={joins.attempted} />
        <Step name={text.funnel.admitted} value={joins.admitted} of={joins.attempted} />
        <Step name={text.funnel.connected} value={joins.connected} of={joins.attempted} />
      </dl>
      <Table
        label={text.lost} rows={reasons} rowKey={(row) => row.reason} empty={text.noRefusals} testId="reasons"
        columns={[
          { id: 'reason', title: text.lost, cell: (row) => row.reason },
          { id: 'count', title: text.joinCount, numeric: true, cell: (row) => count(row.count) },
        ]}
      />
    </>
  );
}
