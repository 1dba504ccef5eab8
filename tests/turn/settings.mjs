// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// A server with TURN as an operator configures it, and what it counts.

import { Scrape } from '../lib/metrics.mjs';
import { start_server } from '../lib/server.mjs';
import { SignalClient } from '../lib/signal_client.mjs';
import { until } from '../lib/wait.mjs';

export const kUdpPort = 3478;

// `turn` is laid over TURN over UDP.
export function start_turn_server({ suite, host }, turn = {}, config = {}) {
  return start_server(suite, {
    rtc: { node_ip: host, ...config.rtc },
    turn: { enabled: true, udp_port: kUdpPort, relay_range_start: 31000, relay_range_end: 31999, ...turn },
    ...config.rest,
  }, config.start);
}

// The sum of a metric's series with these labels.
export async function metric(server, name, labels) {
  return (await Scrape.of(server)).value(name, labels) ?? 0;
}

// A figure follows what it counts by a moment.
export async function metric_becomes(server, name, wanted, labels) {
  await until(async () => wanted(await metric(server, name, labels)), { what: `${name}: ${wanted}` });
}

// Datagrams relayed so far: those between clients and media workers by rings, others by sockets.
export async function relayed(server) {
  const scrape = await Scrape.of(server);
  const count = (labels) => scrape.value('confab_turn_relayed_datagrams_total', labels);
  return {
    to_peer: count({ direction: 'to_peer', way: 'ring' }),
    to_client: count({ direction: 'to_client', way: 'ring' }),
    sockets: count({ way: 'socket' }),
  };
}

// The user name and credential that a participant who joins is given for TURN.
export async function credentials(server, identity = 'someone') {
  const client = await SignalClient.join(server, 'credentials', identity);
  const [{ username, credential, urls }] = client.last.join.iceServers;
  await client.leave();
  return { username, credential, urls };
}
