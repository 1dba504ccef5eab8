// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A table of any length: only the rows on the screen are in the document. Each row has one link, which
// keys move between; the rest of the row can be clicked as well.

import { type ReactNode, useEffect, useRef } from 'react';
import { type Roving, useRovingRows, useRowHeight, useVisibleRows } from '../hooks/useRows';
import type { Range } from '../lib/rows';
import { strings } from '../strings';
import { cellClass, type Column } from './Table';

export interface Order {
  by: string;
  descending: boolean;
}

interface Props<Row> {
  label: string;
  columns: Column<Row>[];
  total: number;
  /** Which row `rows[0]` is; those before and behind are not here yet. */
  offset?: number;
  rows: Row[];
  rowKey: (row: Row) => string;
  /** Where a row leads, and the text of its link. */
  href: (row: Row) => string;
  linkText: (row: Row) => ReactNode;
  chosen?: (row: Row) => boolean;
  onRange?: (range: Range) => void;
  order?: Order;
  onOrder?: (order: Order) => void;
}

function Head<Row>({ columns, order, onOrder }: Pick<Props<Row>, 'columns' | 'order' | 'onOrder'>) {
  return (
    <thead>
      <tr aria-rowindex={1}>
        {columns.map((column) => {
          const sorted = order !== undefined && column.sort === order.by;
          const direction = sorted ? (order.descending ? 'descending' : 'ascending') : undefined;
          const next = { by: column.sort ?? '', descending: sorted ? !order.descending : column.numeric === true };
          return (
            <th
              key={column.id} scope="col" className={cellClass(column)} aria-sort={direction}
              style={{ width: column.width === undefined ? undefined : `${column.width}rem` }}
            >
              {column.sort && onOrder ? (
                <button
                  type="button" className="sort" title={strings.table.sortBy(column.title)} onClick={() => onOrder(next)}
                  data-testid={`sort-${column.sort}`}
                >
                  {column.title}
                  <span aria-hidden="true">{sorted ? (order.descending ? '\u00a0▾' : '\u00a0▴') : ''}</span>
                </button>
              ) : column.title}
            </th>
          );
        })}
      </tr>
    </thead>
  );
}

interface RowProps<Row> {
  table: Props<Row>;
  row: Row;
  index: number;
  roving: Roving;
}

function BodyRow<Row>({ table, row, index, roving }: RowProps<Row>) {
  const href = table.href(row);
  const chosen = table.chosen?.(row) ?? false;
  return (
    <tr
      aria-rowindex={index + 2} className={chosen ? 'chosen' : undefined}
      onClick={(event) => {
        // The link does it by itself, and selected text is not meant as a click.
        if (!(event.target as HTMLElement).closest('a,button') && getSelection()?.isCollapsed !== false) location.hash = href;
      }}
    >
      {table.columns.map((column, at) => (
        <td key={column.id} className={cellClass(column)}>
          {at === 0 ? (
            <a
              href={href} data-row={index} tabIndex={index === roving.active ? 0 : -1} onFocus={() => roving.onFocus(index)}
              aria-current={chosen ? 'true' : undefined}
            >
              {table.linkText(row)}
            </a>
          ) : null}
          {column.cell(row)}
        </td>
      ))}
    </tr>
  );
}

/** One cell alone: more would be columns on phones, too, which have fewer. */
function Gap({ rows, height }: { rows: number; height: number }) {
  if (rows <= 0) return null;
  return <tr aria-hidden="true" className="gap"><td style={{ height: rows * height }} /></tr>;
}

export function LongTable<Row>(props: Props<Row>) {
  const { label, columns, total, offset = 0, rows, rowKey, onRange, order, onOrder } = props;
  const body = useRef<HTMLTableSectionElement>(null);
  const height = useRowHeight();
  const range = useVisibleRows(body, total, height);
  const roving = useRovingRows(body, total, height, range);
  useEffect(() => {
    onRange?.(range);
  }, [range, onRange]);
  const shown = Array.from({ length: Math.max(0, range.end - range.first) }, (_, at) => range.first + at);
  return (
    <table
      className="table table--long" aria-label={label} aria-rowcount={total + 1} style={{ '--row': `${height}px` } as React.CSSProperties}
      data-testid="long-table"
    >
      <Head columns={columns} order={order} onOrder={onOrder} />
      <tbody ref={body} onKeyDown={roving.onKeyDown}>
        <Gap rows={range.first} height={height} />
        {shown.map((index) => {
          const row = rows[index - offset];
          if (row === undefined) return <Gap key={`gap-${index}`} rows={1} height={height} />;
          return <BodyRow key={rowKey(row)} table={props} row={row} index={index} roving={roving} />;
        })}
        <Gap rows={total - range.end} height={height} />
      </tbody>
    </table>
  );
}
