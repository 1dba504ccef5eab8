// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

import { expect, test } from 'vitest';
import type { EventRow } from '../api/types';
import { mergeEvents } from './events';

const event = (at: number, text = ''): EventRow => ({ at, kind: 'room', text, room: '', identity: '', who: '' });
const times = (events: EventRow[]) => events.map(({ at, text }) => `${at}${text}`);

test('pages are joined without repeats, newest first', () => {
  expect(times(mergeEvents([event(5), event(4)], [event(4), event(3)]))).toEqual(['5', '4', '3']);
});

test('two events of one moment are both there', () => {
  expect(times(mergeEvents([event(5), event(4, 'a')], [event(4, 'b'), event(4, 'a')]))).toEqual(['5', '4a', '4b']);
});

test('nothing new leaves what there is', () => {
  expect(times(mergeEvents([], [event(2), event(1)]))).toEqual(['2', '1']);
  expect(mergeEvents([], [])).toEqual([]);
});
