// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Small parts of the call: the line above the tiles, captions, reactions, who knocks.

import type { Room } from 'livekit-client';
import type { HostHandle } from '../hooks/useHost';
import type { Caption } from '../lib/captions';
import { type Layout, layouts, parseLayout } from '../lib/layout';
import { type Reaction, reactions } from '../lib/reactions';
import { strings } from '../strings';

interface TopProps {
  layout: Layout;
  onLayout: (layout: Layout) => void;
  locked: boolean;
  recorded: boolean;
}

export function TopLine({ layout, onLayout, locked, recorded }: TopProps) {
  return (
    <div className="topline">
      <label className="topline__layout">
        <span className="wide-only">{strings.layout.label}</span>
        <select
          aria-label={strings.layout.label} value={layout} data-testid="layout"
          onChange={(event) => onLayout(parseLayout(event.target.value))}
        >
          {layouts.map((one) => <option key={one} value={one}>{strings.layout[one]}</option>)}
        </select>
      </label>
      {locked && <span className="badge badge--warn" data-testid="locked">{strings.people.locked}</span>}
      {recorded && <span className="badge badge--failed" role="status" title={strings.recording.running} data-testid="recorded">{strings.recording.on}</span>}
    </div>
  );
}

function speakerName(room: Room, identity: string): string {
  const who = room.getParticipantByIdentity(identity);
  return who?.name || identity;
}

/** Read out as they come; each line names who speaks. */
export function CaptionLines({ room, lines }: { room: Room; lines: Caption[] }) {
  return (
    <div className="captions" role="log" aria-label={strings.captions.heading} data-testid="captions">
      {lines.map((line) => (
        <p key={line.segment} data-testid="caption" data-participant={line.identity}>
          <strong>{speakerName(room, line.identity)}:</strong> {line.text}
        </p>
      ))}
    </div>
  );
}

export function ReactionBar({ onReact }: { onReact: (reaction: Reaction) => void }) {
  return (
    <section className="reactions" aria-label={strings.reactions.bar} data-testid="reaction-bar">
      {reactions.map((reaction) => (
        <button key={reaction} type="button" aria-label={strings.reactions.names[reaction]} onClick={() => onReact(reaction)} data-testid="react">
          {reaction}
        </button>
      ))}
    </section>
  );
}

/** A host sees who knocks wherever the panels stand. */
export function Knock({ host }: { host: HostHandle }) {
  const [first] = host.waiting;
  if (!first) return null;
  const text = strings.lobby;
  const many = host.waiting.length > 1;
  return (
    <div className="problem problem--wait" role="alert" data-testid="knock">
      <p>{many ? text.count(host.waiting.length) : text.knocking(first.name)}</p>
      <div className="buttons">
        <button type="button" className="primary" onClick={() => host.waiting.forEach(host.admit)} data-testid="knock-admit">
          {many ? text.admitAll : text.admit}
        </button>
        {!many && <button type="button" onClick={() => host.deny(first)} data-testid="knock-deny">{text.deny}</button>}
      </div>
    </div>
  );
}
