// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Who is signed in: asked at the start, lost when a call says so.

import { useCallback, useEffect, useState } from 'react';
import { get, Refusal, send, whenSignedOut } from '../api/client';
import { useAway } from '../api/connection';
import type { Session } from '../api/types';

export type SessionState =
  | { phase: 'asking' }
  | { phase: 'out'; ended: boolean }
  | { phase: 'in'; session: Session };

export type Credentials = { key: string; secret: string } | { password: string };

const retryMs = 2000;

export function useSession() {
  const [state, setState] = useState<SessionState>({ phase: 'asking' });
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout>;
    const ask = () => {
      get<Session>('session').then(
        (session) => setState({ phase: 'in', session }),
        (error: unknown) => {
          if (error instanceof Refusal && error.status < 500) setState({ phase: 'out', ended: false });
          else timer = setTimeout(ask, retryMs);
        },
      );
    };
    ask();
    whenSignedOut(() => setState({ phase: 'out', ended: true }));
    return () => clearTimeout(timer);
  }, []);
  const waits = useAway() && state.phase === 'out';
  useEffect(() => {
    // The form asks nothing by itself: so that it knows when the server is back.
    if (!waits) return;
    const timer = setInterval(() => void get('session').catch(() => undefined), retryMs);
    return () => clearInterval(timer);
  }, [waits]);
  const signIn = useCallback(async (credentials: Credentials) => {
    const session = await send<Session>('POST', 'session', credentials);
    setState({ phase: 'in', session });
  }, []);
  const signOut = useCallback(async () => {
    await send('DELETE', 'session').catch(() => undefined);
    setState({ phase: 'out', ended: false });
  }, []);
  return { state, signIn, signOut };
}
