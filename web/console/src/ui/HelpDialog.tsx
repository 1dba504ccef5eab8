// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The keys of the console, and whether single ones work.

import { useState } from 'react';
import { singleKeys } from '../hooks/useShortcuts';
import { strings } from '../strings';
import { Modal } from './Modal';

export function HelpDialog({ onClose }: { onClose: () => void }) {
  const [on, setOn] = useState(singleKeys.on);
  const change = (value: boolean) => {
    singleKeys.set(value);
    setOn(value);
  };
  return (
    <Modal title={strings.help.title} onClose={onClose} testId="help">
      <dl className="facts facts--keys">
        {strings.help.keys.map(([keys, what]) => (
          <div key={keys} className="facts__row"><dt><kbd>{keys}</kbd></dt><dd>{what}</dd></div>
        ))}
      </dl>
      <label className="check">
        <input type="checkbox" checked={on} onChange={(event) => change(event.target.checked)} data-testid="single-keys" />
        {strings.help.single}
      </label>
      <div className="buttons buttons--end"><button type="button" onClick={onClose} data-testid="close-help">{strings.close}</button></div>
    </Modal>
  );
}
