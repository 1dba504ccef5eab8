// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What an operator can do: the text, the fields and the call of each action. What cuts somebody off
// is `danger` and asks first.

import { twirp } from '../api/client';
import type { Participant, Track } from '../api/types';
import { strings } from '../strings';
import { changedPermission, switches } from './permission';

/** A room, and whose it is where it is not the operator's own. */
export interface Place {
  room: string;
  tenant?: string;
}

export type FormValues = Record<string, string | boolean>;

export interface Field {
  name: string;
  label: string;
  kind: 'text' | 'area' | 'check';
  value: string | boolean;
  hint?: string;
  required?: boolean;
}

export interface Action {
  id: string;
  label: string;
  /** Without a title it needs no dialogue. */
  title?: string;
  text?: string;
  fields?: Field[];
  submit?: string;
  danger?: boolean;
  done: string;
  run: (values: FormValues) => Promise<unknown>;
}

const text = strings.actions;
const room_service = 'RoomService';

/** UTF-8 as base64, which JSON of protocol buffers wants for bytes. */
export function base64(value: string): string {
  return btoa(String.fromCharCode(...new TextEncoder().encode(value)));
}

/** One name=value per line; a new line in a value is \\n, a backslash \\\\. */
export function attributeLines(attributes: Record<string, string>): string {
  const escaped = (value: string) => value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
  return Object.entries(attributes).map(([name, value]) => `${name}=${escaped(value)}`).join('\n');
}

export function parseAttributes(lines: string): Record<string, string> {
  const filled = lines.split('\n').filter((line) => line.trim() !== '');
  return Object.fromEntries(filled.map((line) => {
    const at = line.indexOf('=');
    if (at < 1) throw new Error(text.badAttribute(line));
    const value = line.slice(at + 1).replace(/\\(.)/g, (_, letter: string) => (letter === 'n' ? '\n' : letter));
    return [line.slice(0, at).trim(), value];
  }));
}

/** Those that were edited, so that what changed meanwhile stays; without a value: gone. */
function changedAttributes(before: Record<string, string>, lines: string): Record<string, string> {
  const after = parseAttributes(lines);
  const changed = Object.fromEntries(Object.entries(after).filter(([name, value]) => before[name] !== value));
  for (const name of Object.keys(before)) if (!(name in after)) changed[name] = '';
  return changed;
}

const call = ({ room, tenant }: Place, method: string, body: Record<string, unknown> = {}) =>
  twirp(`${room_service}/${method}`, { room, ...body }, tenant);

export function mute(place: Place, identity: string, track: Track): Action {
  const muted = !track.muted;
  return {
    id: 'mute', label: muted ? text.mute : text.unmute, done: muted ? text.muted : text.unmuted,
    run: () => call(place, 'MutePublishedTrack', { identity, track_sid: track.sid, muted }),
  };
}

export function remove(place: Place, identity: string): Action {
  return {
    id: 'remove', label: text.remove, title: text.removeTitle(identity), text: text.removeText, submit: text.removeSubmit,
    danger: true, done: text.removed(identity), run: () => call(place, 'RemoveParticipant', { identity }),
  };
}

export function setPermission(place: Place, { identity, permission }: Participant): Action {
  const fields = switches.map((name): Field => ({ name, label: strings.permission[name], kind: 'check', value: permission[name] === true }));
  return {
    id: 'permission', label: text.permissions, title: text.permissionsTitle(identity), text: text.permissionsText, fields,
    submit: text.save, done: text.saved,
    run: (values) => call(place, 'UpdateParticipant', { identity, permission: changedPermission(permission, values) }),
  };
}

export function setParticipantMetadata(place: Place, { identity, name, metadata, attributes }: Participant): Action {
  return {
    id: 'participant-metadata', label: text.metadata, title: text.metadataTitle(identity), submit: text.save, done: text.saved,
    fields: [
      { name: 'name', label: strings.participant.name, kind: 'text', value: name },
      { name: 'metadata', label: strings.participant.metadata, kind: 'area', value: metadata, hint: text.participantMetadataHint },
      { name: 'attributes', label: strings.participant.attributes, kind: 'area', value: attributeLines(attributes), hint: text.attributesHint },
    ],
    run: (values) => call(place, 'UpdateParticipant', {
      identity, name: values.name, metadata: values.metadata, attributes: changedAttributes(attributes, String(values.attributes)),
    }),
  };
}

export function setRoomMetadata(place: Place, metadata: string): Action {
  return {
    id: 'room-metadata', label: text.metadata, title: text.metadataTitle(place.room), submit: text.save, done: text.saved,
    fields: [{ name: 'metadata', label: strings.room.metadata, kind: 'area', value: metadata }],
    run: (values) => call(place, 'UpdateRoomMetadata', { metadata: values.metadata }),
  };
}

/** To everybody, or to one. */
export function sendData(place: Place, identity?: string): Action {
  return {
    id: 'send-data', label: text.sendData, title: text.sendDataTitle(identity ?? place.room), text: text.sendDataText,
    submit: text.send, done: text.sent,
    fields: [
      { name: 'text', label: text.text, kind: 'area', value: '', required: true },
      { name: 'topic', label: text.topic, kind: 'text', value: '' },
      { name: 'reliable', label: text.reliable, kind: 'check', value: true },
    ],
    run: (values) => call(place, 'SendData', {
      data: base64(String(values.text)), kind: values.reliable === true ? 'RELIABLE' : 'LOSSY',
      ...(values.topic !== '' && { topic: values.topic }),
      ...(identity !== undefined && { destination_identities: [identity] }),
    }),
  };
}

export function closeRoom(place: Place, people: string): Action {
  const { room } = place;
  return {
    id: 'close-room', label: text.closeRoom, title: text.closeTitle(room), text: text.closeText(people), submit: text.closeSubmit,
    danger: true, done: text.closed(room), run: () => call(place, 'DeleteRoom'),
  };
}

export function dispatchAgent({ room, tenant }: Place): Action {
  return {
    id: 'dispatch', label: text.dispatch, title: text.dispatchTitle(room), text: text.dispatchText,
    submit: text.dispatchSubmit, done: text.dispatched,
    fields: [
      { name: 'agent_name', label: text.agentName, kind: 'text', value: '', required: true },
      { name: 'metadata', label: strings.room.metadata, kind: 'area', value: '' },
    ],
    run: (values) => twirp('AgentDispatchService/CreateDispatch', { room, agent_name: values.agent_name, metadata: values.metadata }, tenant),
  };
}

export function replay(id: string, run: () => Promise<unknown>): Action {
  return { id: `replay-${id}`, label: strings.webhooks.replay, done: strings.webhooks.replayed, run };
}
