// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Carries out the actions of all pages: the dialogue while one is asked for, and how it went.

import { type ReactNode, useCallback, useEffect, useMemo, useState } from 'react';
import type { Session } from '../api/types';
import { ConsoleContext } from '../hooks/useConsole';
import type { Action } from '../lib/actions';
import { describeFailure } from '../lib/failure';
import { strings } from '../strings';
import { ActionDialog } from './ActionDialog';

interface Asked {
  action: Action;
  after: (() => void) | undefined;
}

interface Notice {
  text: string;
  bad: boolean;
}

const noticeMs = 6000;

function NoticeBox({ notice, onClose }: { notice: Notice | null; onClose: () => void }) {
  return (
    <div className="notices" role="status" data-testid="notice">
      {notice && (
        <p className={notice.bad ? 'notice notice--bad' : 'notice'}>
          {notice.text}
          <button type="button" className="plain" onClick={onClose}>{strings.close}</button>
        </p>
      )}
    </div>
  );
}

export function ActionHost({ session, children }: { session: Session; children: ReactNode }) {
  const [asked, setAsked] = useState<Asked | null>(null);
  const [notice, setNotice] = useState<Notice | null>(null);
  useEffect(() => {
    if (!notice || notice.bad) return;
    const timer = setTimeout(() => setNotice(null), noticeMs);
    return () => clearTimeout(timer);
  }, [notice]);
  const finish = useCallback(({ action, after }: Asked) => {
    setNotice({ text: action.done, bad: false });
    setAsked(null);
    after?.();
  }, []);
  const act = useCallback((action: Action, after?: () => void) => {
    if (action.title !== undefined) {
      setAsked({ action, after });
      return;
    }
    action.run({}).then(
      () => finish({ action, after }),
      (error: unknown) => setNotice({ text: `${strings.actions.failed}. ${describeFailure(error)}`, bad: true }),
    );
  }, [finish]);
  const value = useMemo(() => ({ session, operator: session.role === 'operator', act }), [session, act]);
  return (
    <ConsoleContext.Provider value={value}>
      {children}
      {asked && <ActionDialog action={asked.action} onDone={() => finish(asked)} onClose={() => setAsked(null)} />}
      <NoticeBox notice={notice} onClose={() => setNotice(null)} />
    </ConsoleContext.Provider>
  );
}
