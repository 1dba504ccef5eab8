// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Shows the connection checks and what each of them reported.

import { type CheckInfo, CheckStatus } from 'livekit-client';
import { useConnectionTest } from '../hooks/useConnectionTest';
import type { Settings } from '../lib/params';
import { strings } from '../strings';
import { ProblemBox } from './Problems';

const words: Record<CheckStatus, 'idle' | 'run' | 'skipped' | 'success' | 'failed'> = {
  [CheckStatus.IDLE]: 'idle',
  [CheckStatus.RUNNING]: 'run',
  [CheckStatus.SKIPPED]: 'skipped',
  [CheckStatus.SUCCESS]: 'success',
  [CheckStatus.FAILED]: 'failed',
};

function Check({ info }: { info: CheckInfo }) {
  const word = words[info.status];
  return (
    <li data-testid="check" data-check={info.name} data-status={word}>
      <span className={`badge badge--${word}`}>{strings.test[word]}</span> {info.description || info.name}
      {info.logs.length > 0 && (
        <ul className="muted">
          {info.logs.map((log, index) => <li key={index} data-level={log.level}>{log.message}</li>)}
        </ul>
      )}
    </li>
  );
}

export function ConnectionTest({ settings, onBack }: { settings: Settings; onBack: () => void }) {
  const { running, results, problem, start } = useConnectionTest(settings);
  return (
    <main id="content" className="card" data-testid="test-view" data-running={running}>
      <h2>{strings.test.heading}</h2>
      <p className="muted">{strings.test.intro}</p>
      {problem && <ProblemBox problem={problem} />}
      <div className="buttons">
        <button type="button" className="primary" disabled={running} onClick={() => void start()} data-testid="start-test">
          {running ? strings.test.running : strings.test.start}
        </button>
        <button type="button" onClick={onBack} data-testid="back">{strings.test.back}</button>
      </div>
      <div role="log" aria-label={strings.test.heading} data-testid="checks">
        <ol className="checklist">
          {results.map((info) => <Check key={info.name} info={info} />)}
        </ol>
      </div>
    </main>
  );
}
