// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

import type { ReactElement } from 'react';
import { renderToStaticMarkup } from 'react-dom/server';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Certificate, Participant, RoomDetail, Track } from '../api/types';
import { ConsoleContext } from '../hooks/useConsole';
import { Table } from '../ui/Table';
import { LongTable } from '../ui/LongTable';
import { Plot } from '../ui/Plot';
import { Certificates } from './overview/Certificates';
import { JoinFunnel } from './overview/JoinFunnel';
import { PersonPanel } from './room/PersonPanel';
import { RoomFacts } from './room/RoomFacts';

const track: Track = {
  sid: 'TR_1', name: '', kind: 'VIDEO', source: 'CAMERA', mime_type: 'video/VP8', muted: false, simulcast: true, bytes_per_s: 125_000, lost_fraction: 0.2, subscribers: 3,
  layers: [{ quality: 'HIGH', width: 1280, height: 720, bitrate: 1_000_000, fps: 30 }, { quality: 'LOW', width: 320, height: 180, bitrate: 0, fps: 0 }],
};
const person: Participant = {
  identity: 'ada', sid: 'PA_1', name: '<b>Ada</b>', state: 'ACTIVE', joined_at: 1, metadata: '', attributes: { a: '1' }, permission: { can_publish: true },
  client: { sdk: 'JS', version: '2', os: '', browser: '', address: '' }, path: 'turn', rtt_ms: 20, quality: 'poor', score: 2.1, tracks: [track],
};
const nothing = () => undefined;

// What React complains about fails the test, but for effects that only a browser has.
beforeEach(() => void vi.spyOn(console, 'error').mockImplementation(nothing));
afterEach(() => {
  const said = vi.mocked(console.error).mock.calls.map((words) => words.map(String).join(' '));
  expect(said.filter((text) => !text.includes('useLayoutEffect'))).toEqual([]);
  vi.restoreAllMocks();
});

function as(role: 'operator' | 'viewer', page: ReactElement): string {
  const session = { role, name: 'me', expires_at: 0 };
  return renderToStaticMarkup(
    <ConsoleContext.Provider value={{ session, operator: role === 'operator', act: nothing }}>{page}</ConsoleContext.Provider>,
  );
}

const panel = <PersonPanel place={{ room: 'r' }} identity="ada" person={person} refresh={nothing} />;

test('a viewer sees everything and no button', () => {
  const seen = as('viewer', panel);
  expect(seen).not.toContain('<button');
  for (const text of ['video/VP8', '1280 × 720', '1 Mbit/s', 'TURN', 'poor', 'score 2.1 of 4.5', 'a=1', '20 %']) expect(seen).toContain(text);
  expect(as('operator', panel)).toContain('act-remove');
});

test('what clients say is text, never markup', () => {
  expect(as('viewer', panel)).toContain('&lt;b&gt;Ada&lt;/b&gt;');
});

test('a layer that is not sent is off', () => {
  expect(as('viewer', panel)).toMatch(/low<\/td><td[^>]*>320 × 180<\/td><td[^>]*>off/);
});

test('somebody who left', () => {
  expect(as('operator', <PersonPanel place={{ room: 'r' }} identity="ada" person={undefined} refresh={nothing} />)).toContain('not in the room');
});

test('certificates get louder as their end comes near', () => {
  const day = 86_400_000;
  const now = 100 * day;
  const all = [40, 15, 2, -1].map((left): Certificate => ({ names: [`${left}.example`], not_after: now + left * day + 1000, source: 'files', state: 'valid', detail: '' }));
  const tones = [...as('viewer', <Certificates certificates={all} now={now} />).matchAll(/badge--(\w+)[^>]*>([^<]*)/g)].map(([, tone, text]) => `${tone} ${text}`);
  expect(tones).toEqual(['good 40', 'warn 15', 'bad 2', 'bad expired']);
});

test('the funnel names reasons, the most frequent first', () => {
  const seen = as('viewer', <JoinFunnel joins={{ attempted: 10, admitted: 8, connected: 7, failed: 3, canceled: 0, refused: [{ reason: 'rare', count: 1 }, { reason: 'often', count: 2 }, { reason: 'never', count: 0 }] }} />);
  expect(seen.indexOf('often')).toBeLessThan(seen.indexOf('rare'));
  expect(seen).not.toContain('never');
  expect(seen).not.toContain('left before');
  expect(seen).toContain('media did not connect');
  expect(seen).toContain('70 %');
  expect(as('viewer', <JoinFunnel joins={{ attempted: 0, admitted: 0, connected: 0, failed: 0, canceled: 0, refused: [] }} />)).toContain('Nobody was refused');
});

test('a room says what limits it', () => {
  const room = { sid: 'RM_1', name: 'r', empty_timeout: 300, max_participants: 0, creation_time: '1700000000', metadata: 'm' };
  const detail: RoomDetail = { room, participants: [], data: { messages_in_per_s: 2, something_new: 5 } };
  const seen = as('viewer', <RoomFacts detail={detail} />);
  for (const text of ['5 min', 'no limit', '2023-11-14T22:13:20', '2/s', 'something_new']) expect(seen).toContain(text);
});

test('of many rows few are drawn, one of them for Tab', () => {
  const rows = Array.from({ length: 2000 }, (_, index) => ({ name: `row ${index}` }));
  const seen = as('viewer', (
    <LongTable
      label="rows" columns={[{ id: 'name', title: 'Name', cell: () => null }]} total={rows.length} rows={rows}
      rowKey={(row) => row.name} href={(row) => `#/${row.name}`} linkText={(row) => row.name}
    />
  ));
  expect(seen.match(/data-row=/g)?.length).toBeLessThan(60);
  expect(seen.match(/tabindex="0"/g)).toHaveLength(1);
  expect(seen).toContain('aria-rowcount="2001"');
});

test('a plot says in words what it draws', () => {
  const seen = as('viewer', <Plot title="Rooms" lines={[{ label: 'rooms', values: [1, null, 3] }]} from={0} stepMs={1000} format={(value) => `${value ?? '–'}`} />);
  expect(seen).toContain('rooms: 1 to 3, last 3');
  expect(as('viewer', <Plot title="Rooms" lines={[{ label: 'rooms', values: [] }]} from={0} stepMs={1000} format={String} />)).toContain('No values');
});

test('an empty table says so', () => {
  expect(as('viewer', <Table label="t" columns={[]} rows={[]} rowKey={() => 0} empty="nothing here" />)).toContain('nothing here');
});
