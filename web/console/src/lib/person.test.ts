// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

import { expect, test } from 'vitest';
import type { Participant } from '../api/types';
import { lossTone, matches, publishedBytes, sourceName } from './person';

test('sources have names; a track without one is called by its kind', () => {
  expect(sourceName({ source: 'SCREEN_SHARE', kind: 'VIDEO' })).toBe('screen');
  expect(sourceName({ source: 'UNKNOWN', kind: 'AUDIO' })).toBe('audio');
  expect(sourceName({ source: 'whiteboard', kind: 'VIDEO' })).toBe('whiteboard');
});

test('what comes from somebody is what the server says, else the sum of the tracks', () => {
  const person = { tracks: [{ bytes_per_s: 3 }, { bytes_per_s: 4 }] } as unknown as Participant;
  expect(publishedBytes(person)).toBe(7);
  expect(publishedBytes({ ...person, bytes_in_per_s: 9 })).toBe(9);
});

test('people are found by identity or name, whatever the case', () => {
  const ada = { identity: 'user-1', name: 'Ada L' };
  expect(matches(ada, 'USER')).toBe(true);
  expect(matches(ada, 'ada')).toBe(true);
  expect(matches(ada, 'bob')).toBe(false);
});

test('loss gets louder', () => {
  expect([0, 0.02, 0.1].map(lossTone)).toEqual(['plain', 'warn', 'bad']);
});
