// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Reads WebRTC statistics (W3C webrtc-stats) of one track into one line per RTP stream. Rates come
// from the difference of two samples of the same stream.

export interface Sample {
  id: string;
  direction: 'send' | 'receive';
  timestamp: number;
  bytes: number;
  packets: number;
  lost: number;
  codec: string;
  /** Simulcast layer (rid) or scalability mode. */
  layer: string;
  width: number;
  height: number;
  fps: number;
  jitterMs: number | null;
  freezes: number | null;
  /** Share of packets the receiver misses, when it is told by the other side. */
  remoteLoss: number | null;
}

export interface Line extends Sample {
  kbps: number | null;
  lossPercent: number | null;
}

type Entry = Record<string, unknown>;

const num = (value: unknown): number => (typeof value === 'number' ? value : 0);
const maybe = (value: unknown): number | null => (typeof value === 'number' ? value : null);
const str = (value: unknown): string => (typeof value === 'string' ? value : '');
const millis = (seconds: number | null) => (seconds === null ? null : seconds * 1000);

function common(entry: Entry, byId: Map<string, Entry>) {
  return {
    id: str(entry.id),
    timestamp: num(entry.timestamp),
    codec: str(byId.get(str(entry.codecId))?.mimeType).replace(/^.*\//, ''),
    width: num(entry.frameWidth),
    height: num(entry.frameHeight),
    fps: num(entry.framesPerSecond),
  };
}

function outbound(entry: Entry, byId: Map<string, Entry>): Sample {
  const remote = byId.get(str(entry.remoteId));
  return {
    ...common(entry, byId),
    direction: 'send',
    bytes: num(entry.bytesSent),
    packets: num(entry.packetsSent),
    lost: num(remote?.packetsLost),
    layer: [str(entry.rid), str(entry.scalabilityMode)].filter(Boolean).join(' '),
    jitterMs: millis(maybe(remote?.jitter)),
    freezes: null,
    remoteLoss: maybe(remote?.fractionLost),
  };
}

function inbound(entry: Entry, byId: Map<string, Entry>): Sample {
  return {
    ...common(entry, byId),
    direction: 'receive',
    bytes: num(entry.bytesReceived),
    packets: num(entry.packetsReceived),
    lost: num(entry.packetsLost),
    layer: '',
    jitterMs: millis(maybe(entry.jitter)),
    freezes: maybe(entry.freezeCount),
    remoteLoss: null,
  };
}

export function readSamples(entries: Iterable<Entry>): Sample[] {
  const byId = new Map<string, Entry>();
  for (const entry of entries) byId.set(str(entry.id), entry);
  const samples: Sample[] = [];
  for (const entry of byId.values()) {
    if (entry.type === 'outbound-rtp') samples.push(outbound(entry, byId));
    if (entry.type === 'inbound-rtp') samples.push(inbound(entry, byId));
  }
  return samples.sort((a, b) => a.height - b.height || a.layer.localeCompare(b.layer));
}

function lossPercent(now: Sample, before: Sample): number | null {
  if (now.direction === 'send') return now.remoteLoss === null ? null : now.remoteLoss * 100;
  // Late packets can lower the loss counter (RFC 3550 §6.4.1): no negative loss.
  const lost = Math.max(0, now.lost - before.lost);
  const expected = lost + now.packets - before.packets;
  return expected > 0 ? (100 * lost) / expected : null;
}

export function toLine(now: Sample, before: Sample | undefined): Line {
  const elapsed = before ? now.timestamp - before.timestamp : 0;
  if (!before || elapsed <= 0 || now.bytes < before.bytes) return { ...now, kbps: null, lossPercent: null };
  return { ...now, kbps: (8 * (now.bytes - before.bytes)) / elapsed, lossPercent: lossPercent(now, before) };
}
