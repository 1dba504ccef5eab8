// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Runs the client library's connection checks one after the other in a throw-away room.

import { type CheckInfo, ConnectionCheck } from 'livekit-client';
import { useCallback, useEffect, useRef, useState } from 'react';
import { joinProblem, type Problem } from '../lib/errors';
import type { Settings } from '../lib/params';
import { tabIdentity } from '../lib/identity';
import { fetchAccess } from '../lib/token';

const steps = [
  (check: ConnectionCheck) => check.checkWebsocket(),
  (check: ConnectionCheck) => check.checkWebRTC(),
  (check: ConnectionCheck) => check.checkTURN(),
  (check: ConnectionCheck) => check.checkReconnect(),
  (check: ConnectionCheck) => check.checkConnectionProtocol(),
  (check: ConnectionCheck) => check.checkPublishAudio(),
  (check: ConnectionCheck) => check.checkPublishVideo(),
];

interface Progress {
  running: boolean;
  results: CheckInfo[];
  problem: Problem | null;
}

async function makeCheck(settings: Settings): Promise<ConnectionCheck> {
  const identity = tabIdentity(settings.name || 'test');
  const access = await fetchAccess({ room: `test-${identity}`, name: settings.name || 'test', identity }, location.href);
  const roomOptions = { singlePeerConnection: !settings.twoConnections };
  return new ConnectionCheck(access.url, access.token, { roomOptions });
}

export function useConnectionTest(settings: Settings) {
  const [progress, setProgress] = useState<Progress>({ running: false, results: [], problem: null });
  const gone = useRef(false);
  useEffect(() => {
    gone.current = false;
    return () => void (gone.current = true);
  }, []);

  const start = useCallback(async () => {
    setProgress({ running: true, results: [], problem: null });
    try {
      const check = await makeCheck(settings);
      check.on('checkUpdate', () => setProgress((old) => ({ ...old, results: [...check.getResults()] })));
      for (const step of steps) {
        if (gone.current) return;
        await step(check);
      }
    } catch (error) {
      setProgress((old) => ({ ...old, problem: joinProblem(error) }));
    }
    setProgress((old) => ({ ...old, running: false }));
  }, [settings]);

  return { ...progress, start };
}
