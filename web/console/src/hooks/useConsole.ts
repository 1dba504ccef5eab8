// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What every page may want: who is signed in, to act, and to tell how it went.

import { createContext, useContext } from 'react';
import type { Session } from '../api/types';
import type { Action } from '../lib/actions';

export interface Console {
  session: Session;
  operator: boolean;
  /** Carries the action out, after its dialogue if it has one; `after` once it worked. */
  act: (action: Action, after?: () => void) => void;
}

export const ConsoleContext = createContext<Console>({
  session: { role: 'viewer', name: '', expires_at: 0 }, operator: false, act: () => undefined,
});

export const useConsole = () => useContext(ConsoleContext);
