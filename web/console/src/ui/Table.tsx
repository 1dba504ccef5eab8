// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A table whose rows are all in the document.

import type { ReactNode } from 'react';

export interface Column<Row> {
  id: string;
  title: string;
  cell: (row: Row) => ReactNode;
  numeric?: boolean;
  /** Left out on phones. */
  wideOnly?: boolean;
  /** Its width in rem, where columns have fixed ones; those without share what is left. */
  width?: number;
  /** What the server sorts by. */
  sort?: string;
}

export function cellClass<Row>({ numeric, wideOnly }: Column<Row>): string | undefined {
  return [numeric && 'num', wideOnly && 'wide'].filter(Boolean).join(' ') || undefined;
}

interface Props<Row> {
  label: string;
  columns: Column<Row>[];
  rows: Row[];
  rowKey: (row: Row, index: number) => string | number;
  empty?: string;
  testId?: string;
}

export function Table<Row>({ label, columns, rows, rowKey, empty, testId }: Props<Row>) {
  if (rows.length === 0 && empty !== undefined) return <p className="muted">{empty}</p>;
  return (
    <table className="table" aria-label={label} data-testid={testId}>
      <thead>
        <tr>{columns.map((column) => <th key={column.id} scope="col" className={cellClass(column)}>{column.title}</th>)}</tr>
      </thead>
      <tbody>
        {rows.map((row, index) => (
          <tr key={rowKey(row, index)}>
            {columns.map((column) => <td key={column.id} className={cellClass(column)}>{column.cell(row)}</td>)}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
