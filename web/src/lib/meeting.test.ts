// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, test } from 'vitest';
import { isMeeting, readAdmission, readNotes, roomLabel } from './meeting';

const id = '0123456789abcdef';

test.each([
  ['standup', false, 'standup'], [`standup~${id}`, true, 'standup'], [`~${id}`, false, `~${id}`],
  [`a~${id}0`, false, `a~${id}0`], [`a~${id}~lobby`, false, `a~${id}~lobby`], [`a~${id.toUpperCase()}`, false, `a~${id.toUpperCase()}`],
])('%s is a meeting: %s, called %s', (room, meeting, label) => {
  expect(isMeeting(room)).toBe(meeting);
  expect(roomLabel(room)).toBe(label);
});

test.each([
  [undefined, false], ['', false], ['{', false], ['null', false], ['{"locked":"true"}', false], ['{"locked":true}', true],
])('notes %s: locked %s', (metadata, locked) => {
  expect(readNotes(metadata)).toEqual({ locked });
});

describe('readAdmission [DEMO-03]', () => {
  test.each([
    ['{"token":"a.b.c"}', 'a.b.c'], ['{"token":"a.b"}', null], ['{"token":7}', null], ['"a.b.c"', null], ['', null], ['null', null],
  ])('%s gives %s', (text, token) => {
    expect(readAdmission(new TextEncoder().encode(text))).toBe(token);
  });
});
