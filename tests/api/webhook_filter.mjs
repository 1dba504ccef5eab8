// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// webhook.filter_params: which events an operator wants at all.

import { KEY, start_server } from '../lib/server.mjs';
import { SignalClient } from '../lib/signal_client.mjs';
import { assert } from '../lib/suite.mjs';
import { until } from '../lib/wait.mjs';
import { fresh_name, room_client } from './clients.mjs';
import { WebhookSink } from './webhook_sink.mjs';

// A room made, used and deleted; room_started and participant_connection_aborted come with it. Gives
// what both receivers got of it once the last event is there.
async function life(suite, filter_params, last) {
  const sinks = [await WebhookSink.start(suite), await WebhookSink.start(suite)];
  const server = await start_server(suite, { webhook: { urls: sinks.map((one) => one.url), api_key: KEY, filter_params } });
  const name = fresh_name('filtered');
  await room_client(server).createRoom({ name });
  const client = await SignalClient.join(server, name, 'alice', { v1: false });
  await room_client(server).deleteRoom(name);
  client.destroy();
  // Events of a room come in order: what is not here by then is left out.
  for (const sink of sinks) await sink.event(name, last);
  await until(() => !client.open, { what: 'the socket to end' });
  await server.stop();
  const stories = sinks.map((sink) => sink.story(name).map((line) => line.split(' ')[0]));
  assert.deepEqual(stories[0], stories[1]);
  return stories[0];
}

export async function webhook_filter_checks(suite) {
  await suite.check('include_events beats exclude_events, at every configured address [HOOK-08]', async () => {
    const [all, only, none_of, both, nothing] = await Promise.all([
      life(suite, {}, 'room_finished'),
      life(suite, { include_events: ['room_finished'] }, 'room_finished'),
      life(suite, { exclude_events: ['room_started'] }, 'room_finished'),
      life(suite, { include_events: ['room_started', 'room_finished'], exclude_events: ['room_started', 'room_finished'] }, 'room_finished'),
      life(suite, { include_events: [], exclude_events: [] }, 'room_finished'),
    ]);
    assert.equal(all[0], 'room_started');
    assert.equal(all.at(-1), 'room_finished');
    assert.ok(all.length > 2, all.join());
    assert.deepEqual(only, ['room_finished']);
    assert.deepEqual(none_of, all.slice(1));
    assert.deepEqual(both, ['room_started', 'room_finished']);
    assert.deepEqual(nothing, all);
  });
}
