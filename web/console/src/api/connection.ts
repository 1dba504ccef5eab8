// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Whether the server answers, as seen by every call of the page: one store, which the banner shows.

import { useSyncExternalStore } from 'react';

export interface Connection {
  away: boolean;
  /** When the server answered last; 0 if it never did. */
  lastAnswer: number;
}

type Listener = () => void;

let state: Connection = { away: false, lastAnswer: 0 };
const listeners = new Set<Listener>();

function change(next: Connection): void {
  const told = next.away !== state.away;
  state = next;
  if (told) for (const listener of listeners) listener();
}

export const connection = {
  get: () => state,
  answered: (now = Date.now()) => change({ away: false, lastAnswer: now }),
  silent: () => change({ ...state, away: true }),
  subscribe: (listener: Listener) => {
    listeners.add(listener);
    return () => void listeners.delete(listener);
  },
};

export function useAway(): boolean {
  return useSyncExternalStore(connection.subscribe, () => state.away);
}
