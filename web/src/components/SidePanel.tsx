// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The frame of a side panel: takes the focus when it opens, gives it back when it closes.

import { type KeyboardEvent, type ReactNode, useEffect, useRef } from 'react';
import { strings } from '../strings';
import type { PanelName } from './ControlBar';
import { Icon } from './Icon';

interface Props {
  name: PanelName;
  onClose: () => void;
  children: ReactNode;
}

export function SidePanel({ name, onClose, children }: Props) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    heading.current?.focus();
  }, [name]);
  const close = () => {
    onClose();
    document.getElementById(`open-${name}`)?.focus();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'Escape') close();
  };
  return (
    <aside id="panel" className="panel" aria-labelledby="panel-heading" onKeyDown={onKeyDown} data-testid={`panel-${name}`}>
      <div className="panel__head">
        <h2 id="panel-heading" ref={heading} tabIndex={-1}>{strings[name].heading}</h2>
        <button type="button" className="plain" onClick={close} aria-label={strings.close} data-testid="close-panel">
          <Icon name="close" />
        </button>
      </div>
      {children}
    </aside>
  );
}
