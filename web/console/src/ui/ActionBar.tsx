// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The buttons of actions; viewers have none.

import { useConsole } from '../hooks/useConsole';
import type { Action } from '../lib/actions';

interface Props {
  label: string;
  actions: Action[];
  after?: () => void;
}

export function ActionBar({ label, actions, after }: Props) {
  const { operator, act } = useConsole();
  if (!operator) return null;
  return (
    <div className="buttons" role="group" aria-label={label}>
      {actions.map((action) => (
        <button
          key={action.id} type="button" className={action.danger ? 'danger-outline' : undefined}
          onClick={() => act(action, after)} data-testid={`act-${action.id}`}
        >
          {action.label}
        </button>
      ))}
    </div>
  );
}
