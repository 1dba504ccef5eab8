// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

import { expect, test, vi } from 'vitest';
import { canBlur, isBlurred, setBlur } from './blur';

const camera = (capabilities: object, settings: object = {}) => ({
  getCapabilities: () => capabilities,
  getSettings: () => settings,
  getConstraints: () => ({ width: 1280 }),
  applyConstraints: vi.fn((_wanted: object) => Promise.resolve()),
}) as unknown as MediaStreamTrack & { applyConstraints: ReturnType<typeof vi.fn> };

test.each([
  [{}, false], [{ backgroundBlur: [true] }, false], [{ backgroundBlur: [false] }, false], [{ backgroundBlur: [false, true] }, true],
])('a camera with %j may be switched: %s', (capabilities, able) => {
  expect(canBlur(camera(capabilities))).toBe(able);
});

test('a browser that tells no capabilities cannot', () => {
  expect(canBlur({ getSettings: () => ({}) } as unknown as MediaStreamTrack)).toBe(false);
  expect(canBlur(undefined)).toBe(false);
  expect(isBlurred(undefined)).toBe(false);
});

test('what else was asked of the camera stays', async () => {
  const track = camera({ backgroundBlur: [false, true] }, { backgroundBlur: true });
  await setBlur(track, true);
  expect(track.applyConstraints).toHaveBeenCalledWith({ width: 1280, backgroundBlur: true });
  expect(isBlurred(track)).toBe(true);
});
