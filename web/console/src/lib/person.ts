// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Sums over what somebody publishes, and tones for what is measured.

import type { Participant, Track } from '../api/types';
import { strings } from '../strings';

export type Tone = 'good' | 'warn' | 'bad' | 'plain';

export function publishedBytes({ tracks, bytes_in_per_s }: Participant): number {
  return bytes_in_per_s ?? tracks.reduce((sum, track) => sum + track.bytes_per_s, 0);
}

const qualityTones: Record<string, Tone> = { excellent: 'good', good: 'good', poor: 'warn', lost: 'bad' };
export const qualityTone = (quality: string): Tone => qualityTones[quality] ?? 'plain';

export const pathTone = (path: string): Tone => (path === 'turn' || path === 'tcp' ? 'warn' : 'plain');

/** Loss that repairs hide well, that they do not, and that nothing helps. */
export const lossTone = (fraction: number): Tone => (fraction < 0.02 ? 'plain' : fraction < 0.1 ? 'warn' : 'bad');

export function sourceName({ source, kind }: Pick<Track, 'source' | 'kind'>): string {
  const name = source.toLowerCase();
  return strings.track.sources[name] ?? (name && name !== 'unknown' ? name : kind.toLowerCase());
}

export function matches({ identity, name }: Pick<Participant, 'identity' | 'name'>, search: string): boolean {
  const wanted = search.toLowerCase();
  return identity.toLowerCase().includes(wanted) || name.toLowerCase().includes(wanted);
}
