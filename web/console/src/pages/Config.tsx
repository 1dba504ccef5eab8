// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The configuration as it is in effect.

import type { Option } from '../api/types';
import { usePoll } from '../hooks/usePoll';
import { replaceAddress, useTitle } from '../hooks/useRoute';
import { count } from '../lib/format';
import { addressOf, type Route } from '../lib/route';
import { strings } from '../strings';
import { Loading, PageHead, Refused, Search } from '../ui/bits';
import { type Column, Table } from '../ui/Table';

const text = strings.config;

interface Answer {
  options: Option[];
}

function shownValue(value: unknown): string {
  if (value === null || value === undefined || value === '') return text.unset;
  return typeof value === 'string' ? value : JSON.stringify(value);
}

const columns: Column<Option>[] = [
  { id: 'name', title: text.name, cell: (row) => <code className={row.default ? 'break' : 'break changed'}>{row.name}</code> },
  { id: 'value', title: text.value, cell: (row) => <code className="break">{shownValue(row.value)}</code> },
  { id: 'source', title: text.source, cell: (row) => row.source },
];

export function Config({ route }: { route: Route }) {
  useTitle(strings.pages.config);
  const { search = '', changed = '' } = route.params;
  const go = (params: Record<string, string>) => replaceAddress(addressOf('config', [], { search, changed, ...params }));
  const { data, refusal } = usePoll<Answer>('config', { everyMs: 30_000 });
  const wanted = search.toLowerCase();
  const rows = data?.options.filter((one) => one.name.toLowerCase().includes(wanted) && !(changed && one.default)) ?? [];
  return (
    <>
      <PageHead title={strings.pages.config}>
        <Search label={strings.table.search} hint={text.searchHint} value={search} onChange={(value) => go({ search: value })} />
        <label className="check">
          <input
            type="checkbox" checked={changed !== ''} data-testid="changed"
            onChange={(event) => go({ changed: event.target.checked ? '1' : '' })}
          />
          {text.changed}
        </label>
        <span className="muted" data-testid="total">{data && strings.table.shown(count(rows.length))}</span>
      </PageHead>
      <p className="muted">{text.intro}</p>
      {refusal && <Refused refusal={refusal} />}
      {data ? (
        <Table label={strings.pages.config} columns={columns} rows={rows} rowKey={(row) => row.name} empty={strings.table.noMatch} testId="options" />
      ) : !refusal && <Loading />}
    </>
  );
}
