// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// ParticipantPermission as the server API writes it, in words and as a form.

import type { Permission } from '../api/types';
import { strings } from '../strings';

/** What an operator may switch; recorder and agent say what somebody is. */
export const switches = [
  'can_subscribe', 'can_publish', 'can_publish_data', 'can_update_metadata', 'hidden', 'can_subscribe_metrics', 'can_manage_agent_session',
] as const;

const shown = [...switches, 'recorder', 'agent'] as const;

export function describePermission(permission: Permission): string {
  const words: string[] = shown.filter((name) => permission[name] === true).map((name) => strings.permission[name]);
  const sources = permission.can_publish_sources;
  if (Array.isArray(sources) && sources.length > 0) words.push(strings.permission.only(sources.map((one) => one.toLowerCase()).join(', ')));
  return words.join(', ') || strings.permission.nothing;
}

/** The whole message: what it leaves out would be taken away. */
export function changedPermission(permission: Permission, chosen: Record<string, unknown>): Permission {
  const changed = switches.map((name) => [name, chosen[name] === true] as const);
  return { ...permission, ...Object.fromEntries(changed) };
}
