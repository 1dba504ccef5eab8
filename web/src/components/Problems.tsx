// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Problems with their remedy. Alerts are read out at once by screen readers.

import type { Problem } from '../lib/errors';
import { problems as texts, strings } from '../strings';
import { Icon } from './Icon';

export function ProblemBox({ problem, onDismiss }: { problem: Problem; onDismiss?: () => void }) {
  const text = texts[problem.key];
  return (
    <div className="problem" role="alert" data-testid="problem" data-problem={problem.key}>
      <div>
        <strong>{text.title}</strong>
        <p>{text.remedy}</p>
        {problem.detail && <p className="problem__detail">{problem.detail}</p>}
      </div>
      {onDismiss && (
        <button type="button" className="plain" onClick={onDismiss} aria-label={strings.dismiss} data-testid="dismiss">
          <Icon name="close" />
        </button>
      )}
    </div>
  );
}

export function ProblemList({ problems, onDismiss }: { problems: Problem[]; onDismiss: (p: Problem) => void }) {
  return (
    <>
      {problems.map((problem) => (
        <ProblemBox key={problem.key} problem={problem} onDismiss={() => onDismiss(problem)} />
      ))}
    </>
  );
}
