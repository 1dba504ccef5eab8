// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The link that brings others (or a second tab) into this room, and the one that makes a host.

import { useRef, useState } from 'react';
import { isMeeting } from '../lib/meeting';
import { hostLink, inviteLink, type Settings } from '../lib/params';
import { strings } from '../strings';
import { QrCode } from './QrCode';

interface LinkProps {
  label: string;
  link: string;
  hint: string;
  name: 'invite' | 'host';
}

function Link({ label, link, hint, name }: LinkProps) {
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
        {label}
        <input ref={input} readOnly value={link} data-testid={`${name}-link`} onFocus={(event) => event.target.select()} />
      </label>
      <div className="buttons">
        <button type="button" onClick={() => void copy()} data-testid={`${name}-copy`}>
          {strings.invite.copy}<span className="hidden">: {label}</span>
        </button>
        {/* noopener: a tab opened with the opener's session storage would share its identity. */}
        {name === 'invite' && (
          <a className="button" href={link} target="_blank" rel="noopener" data-testid="invite-open">{strings.invite.open}</a>
        )}
      </div>
      <p role="status" className="muted">{copied ? strings.invite.copied : hint}</p>
    </>
  );
}

export function InvitePanel({ settings }: { settings: Settings }) {
  const text = strings.invite;
  const link = inviteLink(location.href, settings);
  return (
    <>
      <Link name="invite" label={text.label} link={link} hint={isMeeting(settings.room) ? text.lobbyHint : text.hint} />
      <QrCode text={link} />
      {settings.hostKey && <Link name="host" label={text.hostLabel} link={hostLink(location.href, settings)} hint={text.hostHint} />}
    </>
  );
}
