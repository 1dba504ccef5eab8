// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

import { Track } from 'livekit-client';
import { describe, expect, it } from 'vitest';
import { mayPublish } from './permission';

const { Camera, Microphone, ScreenShare } = Track.Source;
const kCamera = 1; // TrackSource of the protocol
const kMicrophone = 2;

describe('mayPublish', () => {
  it('is all before it is told, nothing without the right', () => {
    expect(mayPublish(undefined, ScreenShare)).toBe(true);
    expect(mayPublish({ canPublish: false, canPublishSources: [] }, Camera)).toBe(false);
    expect(mayPublish({ canPublish: false, canPublishSources: [kCamera] }, Camera)).toBe(false);
  });

  it('is the sources that are named, all where none is', () => {
    const some = { canPublish: true, canPublishSources: [kCamera, kMicrophone] };
    expect([Camera, Microphone, ScreenShare].map((source) => mayPublish(some, source))).toEqual([true, true, false]);
    expect(mayPublish({ canPublish: true, canPublishSources: [] }, ScreenShare)).toBe(true);
  });
});
