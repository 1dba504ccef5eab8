// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// What a RedisTap heard, as lines that are the same in each run: without ids, times and values, with the names of
// channels, the types of messages and the numbers of their fields (03 sections 1 to 3).

import { SignalRequest, SignalResponse } from '@livekit/protocol';

import { Fields } from '../lib/psrpc.mjs';

const kIds = /(CLI|REQ|STR|SRV|RM|PA|AD|AJ|AW|CO|TR|LOCK)_?[A-Za-z0-9]{12}/g;
const kLockKey = /^[A-Za-z0-9+/]{43}=$/;

const numbers = (bytes) => `{${new Fields(bytes).numbers.join(' ')}}`;

function kinds(type, list) {
  return list.map((bytes) => type.fromBinary(bytes).message.case ?? 'nothing');
}

// The messages in a batch of the signal relay.
function relayed(channel, bytes) {
  const batch = new Fields(bytes);
  if (!channel.startsWith('Signal|RelaySignal|')) return [...kinds(SignalResponse, batch.all(2)).map((kind) => `said ${kind}`), ...(batch.has(4) ? ['said: the end'] : [])];
  const more = batch.has(1) ? [`StartSession ${numbers(batch.bytes(1))}`] : [];
  if (batch.has(5)) more.push('asked: the end');
  for (const number of batch.numbers.filter((one) => ![1, 3, 4, 5].includes(one))) more.push(`RelaySignalRequest.${number}`);
  return [...kinds(SignalRequest, batch.all(3)).map((kind) => `asked ${kind}`), ...more];
}

// Whichever end is first says it of an SDK's session, so it is no matter on which channel.
const kClosed = 'closed:';

function stream(channel, body) {
  if (body.has(6)) {
    const open = body.message(6);
    const more = open.numbers.filter((one) => ![1, 7].includes(one)).map((one) => ` ${one}`).join('');
    return [`open${more} metadata {${Object.keys(open.map(7)).sort().join(' ')}}`];
  }
  if (body.has(7)) return relayed(channel, body.message(7).bytes(2));
  return body.has(8) ? ['ack'] : [`${kClosed} ${body.message(9).text(2)}`];
}

// The lines of one message. `methods`: of calls that were seen, by the request's id.
function lines_of({ channel, payload }, methods) {
  const envelope = new Fields(payload);
  const type = envelope.text(1).split('.').at(-1);
  const body = new Fields(envelope.bytes(2));
  const of_call = () => methods.get(body.text(1)) ?? 'something unknown';
  switch (type) {
    case 'Request':
      methods.set(body.text(1), channel.split('|')[1]);
      return [`${channel} Request ${numbers(body.bytes(8))}`];
    case 'Response':
      return [`${channel} Response to ${of_call()} ${body.has(6) ? body.text(6) : numbers(body.bytes(7))}`];
    case 'ClaimRequest':
    case 'ClaimResponse':
      return [`${channel} ${type} for ${of_call()}`];
    case 'Stream':
      return stream(channel, body).map((what) => (what.startsWith(kClosed) ? `Stream ${what}` : `${channel} Stream ${what}`));
    default:
      return [`${channel} ${type} ${numbers(envelope.bytes(2))}`];
  }
}

const kRecords = /^(rooms|room_internal|nodes|room_participants:|agent_dispatch:|agent_job:)/;

// Each command with its key and field; `records`: the numbers of fields that records had, some time, by such a line.
function write_lines(words, plain, records) {
  const [name, key, ...rest] = words.map(String);
  const command = `${name.toUpperCase()} ${kLockKey.test(key) ? '(digest of a request)' : plain(key)}`;
  if (name.toUpperCase() === 'SET') return [`${command} ${rest.slice(1).join(' ').toLowerCase()}`.trim()];
  if (name.toUpperCase() === 'HDEL') return rest.map((field) => `${command} ${plain(field)}`);
  if (name.toUpperCase() !== 'HSET') return [command];
  const lines = [];
  for (let at = 2; at < words.length; at += 2) {
    const line = `${command} ${plain(String(words[at]))}`;
    if (kRecords.test(key)) records.set(line, new Set([...(records.get(line) ?? []), ...new Fields(words[at + 1]).numbers]));
    else lines.push(line);
  }
  return lines;
}

function written_lines(written, plain) {
  const records = new Map();
  const lines = written.flatMap(({ words }) => write_lines(words, plain, records));
  for (const [line, fields] of records) lines.push(`${line} {${[...fields].sort((x, y) => x - y).join(' ')}}`);
  return lines;
}

const sorted = (lines) => [...new Set(lines)].sort();

// {step: lines} of what was published, signalling and pings apart as `Signal` and `Keepalive`; `written` lines.
// `names`: [[text, what stands for it]…], such as ids of nodes.
export function entries_of(tap, names) {
  const plain = (line) => names.reduce((text, [from, to]) => text.replaceAll(from, to), line).replace(kIds, '$1');
  const methods = new Map();
  const steps = {};
  for (const one of tap.published) {
    const service = one.channel.split('|')[0];
    const at = ['Signal', 'Keepalive'].includes(service) ? service : one.step;
    steps[at] = [...(steps[at] ?? []), ...lines_of(one, methods).map(plain)];
  }
  return {
    published: Object.fromEntries(Object.entries(steps).map(([step, lines]) => [step, sorted(lines)])),
    written: sorted(written_lines(tap.written, plain)),
    subscribed: sorted(tap.subscribed.map(plain)),
  };
}
