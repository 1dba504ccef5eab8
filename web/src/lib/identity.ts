// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Who this tab is: identities are made of names.

import { tabValues } from '../../shared/storage';

/** One part of an identity: short, and free of anything a name pattern could refuse. */
export function slug(name: string): string {
  const plain = name.normalize('NFKD').toLowerCase().replace(/[^a-z0-9]+/g, '-');
  return plain.replace(/^-+|-+$/g, '').slice(0, 24) || 'guest';
}

/** The identity of this tab for this name: a reload keeps it, a second tab gets another one. */
export function tabIdentity(name: string): string {
  const prefix = `${slug(name)}-`;
  const known = tabValues.get('identity');
  if (known.startsWith(prefix) && !known.slice(prefix.length).includes('-')) return known;
  const random = crypto.getRandomValues(new Uint32Array(1))[0] ?? 0;
  const fresh = prefix + random.toString(36);
  tabValues.set('identity', fresh);
  return fresh;
}
