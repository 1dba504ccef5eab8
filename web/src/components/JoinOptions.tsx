// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Less common choices of the join form, folded away.

import { codecs, type Settings } from '../lib/params';
import { strings } from '../strings';
import type { Change } from './JoinForm';

interface CheckProps {
  label: string;
  checked: boolean;
  onChange: (checked: boolean) => void;
  testId: string;
}

function Check({ label, checked, onChange, testId }: CheckProps) {
  return (
    <label className="check">
      <input type="checkbox" checked={checked} onChange={(event) => onChange(event.target.checked)} data-testid={testId} />
      {label}
    </label>
  );
}

export function JoinOptions({ draft, change }: { draft: Settings; change: Change }) {
  const text = strings.join;
  return (
    <details>
      <summary data-testid="options">{text.options}</summary>
      <label className="field">
        {text.codec}
        <select
          value={draft.codec} data-testid="codec"
          onChange={(event) => change({ codec: codecs.find((codec) => codec === event.target.value) ?? '' })}
        >
          <option value="">{text.codecAuto}</option>
          {codecs.map((codec) => <option key={codec} value={codec}>{codec.toUpperCase()}</option>)}
        </select>
      </label>
      <Check label={text.simulcast} checked={draft.simulcast} onChange={(simulcast) => change({ simulcast })} testId="simulcast" />
      <Check
        label={text.twoConnections} checked={draft.twoConnections} testId="two-connections"
        onChange={(twoConnections) => change({ twoConnections })}
      />
      <label className="field">
        {text.key} ({strings.optional})
        <input
          type="text" autoComplete="off" spellCheck={false} value={draft.encryptionKey} aria-describedby="key-hint"
          onChange={(event) => change({ encryptionKey: event.target.value })} data-testid="encryption-key"
        />
      </label>
      <p id="key-hint" className="muted">{text.keyHint}</p>
    </details>
  );
}
