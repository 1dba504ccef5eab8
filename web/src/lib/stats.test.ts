// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, test } from 'vitest';
import { readSamples, toLine } from './stats';

const codec = { id: 'C1', type: 'codec', mimeType: 'video/VP8' };
const inbound = (timestamp: number, bytesReceived: number, packetsReceived: number, packetsLost: number) => ({
  id: 'I1', type: 'inbound-rtp', codecId: 'C1', timestamp, bytesReceived, packetsReceived, packetsLost,
  frameWidth: 640, frameHeight: 360, framesPerSecond: 30, jitter: 0.004, freezeCount: 2,
});

function lineOf(before: Record<string, unknown>, now: Record<string, unknown>) {
  const [first] = readSamples([before, codec]);
  const [second] = readSamples([now, codec]);
  if (!second) throw new Error('no sample');
  return toLine(second, first);
}

describe('receiving', () => {
  test('reads codec, picture, jitter and freezes', () => {
    expect(readSamples([inbound(0, 0, 0, 0), codec])[0]).toMatchObject({
      direction: 'receive', codec: 'VP8', width: 640, height: 360, fps: 30, jitterMs: 4, freezes: 2,
    });
  });

  test('rate and loss come from the difference of two samples', () => {
    const line = lineOf(inbound(1000, 10_000, 100, 5), inbound(2000, 135_000, 190, 15));
    expect(line.kbps).toBeCloseTo(1000);
    expect(line.lossPercent).toBeCloseTo(10);
  });

  test('late packets never give a negative loss', () => {
    expect(lineOf(inbound(1000, 0, 100, 5), inbound(2000, 10, 110, 3)).lossPercent).toBe(0);
  });

  test('the first sample and a restarted counter have no rate', () => {
    const [first] = readSamples([inbound(1000, 500, 5, 0)]);
    expect(first && toLine(first, undefined).kbps).toBeNull();
    expect(lineOf(inbound(1000, 500, 5, 0), inbound(2000, 100, 1, 0)).kbps).toBeNull();
  });
});

describe('sending', () => {
  const layer = (rid: string, frameHeight: number) => ({
    id: `O${rid}`, type: 'outbound-rtp', codecId: 'C1', remoteId: `R${rid}`, rid, frameHeight,
    frameWidth: frameHeight * 2, timestamp: 1000, bytesSent: 1000, packetsSent: 10,
  });
  const remote = (rid: string) => ({ id: `R${rid}`, type: 'remote-inbound-rtp', fractionLost: 0.25, jitter: 0.002 });

  test('lists simulcast layers from small to large, with what the receiver reports', () => {
    const samples = readSamples([layer('f', 720), layer('q', 180), remote('f'), remote('q'), codec]);
    expect(samples.map((sample) => sample.layer)).toEqual(['q', 'f']);
    const [now] = samples;
    expect(now && toLine({ ...now, timestamp: 2000 }, now)).toMatchObject({ lossPercent: 25, jitterMs: 2, kbps: 0 });
  });
});
