// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What the room lets a person publish; it may change during the call.

import { Track } from 'livekit-client';

/** As the server tells it; no sources: all of them. */
export interface Permission {
  canPublish: boolean;
  canPublishSources: number[];
}

export function mayPublish(permission: Permission | undefined, source: Track.Source): boolean {
  if (!permission) return true; // not told yet
  const sources = permission.canPublishSources;
  return permission.canPublish && (sources.length === 0 || sources.includes(Track.sourceToProto(source)));
}
