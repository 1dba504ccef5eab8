// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Reactions are data messages of one of these signs; anything else is not shown. A raised hand is an
// attribute, so that who comes later sees it too.

export const reactions = ['👍', '👏', '❤️', '😂', '😮', '🎉'] as const;
export type Reaction = (typeof reactions)[number];

export const reactionTopic = 'confab.reaction';
export const handAttribute = 'hand';

export function encodeReaction(reaction: Reaction): Uint8Array {
  return new TextEncoder().encode(reaction);
}

export function decodeReaction(payload: Uint8Array): Reaction | null {
  if (payload.length > 16) return null;
  const text = new TextDecoder().decode(payload);
  return reactions.find((reaction) => reaction === text) ?? null;
}

/** Since when, in ms; 0: not raised. */
export function handOf(attributes: Readonly<Record<string, string>>): number {
  const since = Number(attributes[handAttribute] ?? '');
  return Number.isFinite(since) && since > 0 ? since : 0;
}
