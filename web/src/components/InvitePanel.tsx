// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The link that brings others (or a second tab) into this room.

import { useRef, useState } from 'react';
import { inviteLink, type Settings } from '../lib/params';
import { strings } from '../strings';

export function InvitePanel({ settings }: { settings: Settings }) {
  const link = inviteLink(location.href, settings);
  const input = useRef<HTMLInputElement>(null);
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    input.current?.select();
    try {
      await navigator.clipboard.writeText(link);
      setCopied(true);
    } catch {
      // No clipboard on an insecure page: the text is selected, so the keyboard can copy it.
    }
  };
  return (
    <>
      <label className="field">
        {strings.invite.label}
        <input ref={input} readOnly value={link} data-testid="invite-link" onFocus={(event) => event.target.select()} />
      </label>
      <div className="buttons">
        <button type="button" onClick={() => void copy()} data-testid="invite-copy">{strings.invite.copy}</button>
        {/* noopener: a tab opened with the opener's session storage would share its identity. */}
        <a className="button" href={link} target="_blank" rel="noopener" data-testid="invite-open">{strings.invite.open}</a>
      </div>
      <p role="status" className="muted">{copied ? strings.invite.copied : strings.invite.hint}</p>
    </>
  );
}
