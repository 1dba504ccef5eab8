// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// What a small call leaves in /metrics: two participants with picture and tone, one that only
// signals, joins that are refused, webhooks. The server is the check's own, so that all counts are
// known.

import { room_client } from '../api/clients.mjs';
import { WebhookSink } from '../api/webhook_sink.mjs';
import { Scrape } from '../lib/metrics.mjs';
import { Peer } from '../lib/rtc_peer.mjs';
import { KEY, start_server } from '../lib/server.mjs';
import { SignalClient } from '../lib/signal_client.mjs';
import { assert } from '../lib/suite.mjs';
import { until } from '../lib/wait.mjs';

const kRoundMillis = 5000;
const kPackets = 500;
const kChecks = {
  idle: 'metrics: before anything happened only what has no labels is there [OBS-01]',
  joins: 'metrics: each join is counted in the states it reached [OBS-01]',
  tracks: 'metrics: tracks, subscriptions and their delays [OBS-01]',
  packets: 'metrics: packets, loss, jitter, round trips and delays, of both directions [OBS-01] [FWD-19]',
  ends: 'metrics: the end of sessions, tracks and the room, and webhooks [OBS-01]',
};
const kStreams = [
  { source: 'CAMERA', type: 'VIDEO' },
  { source: 'MICROPHONE', type: 'AUDIO' },
];

export async function metrics_checks(suite) {
  if (!Object.values(kChecks).some((name) => suite.selected(name))) return;
  const sink = await WebhookSink.start(suite);
  const server = await start_server(suite, { webhook: { urls: [sink.url], api_key: KEY } });
  const call = { room: 'metered', peers: [] };
  await idle_checks(suite, server);
  await join_checks(suite, server, call);
  await media_checks(suite, server, call);
  await end_checks(suite, server, call);
}

// Each goes on where the one before ended, so that they are needed all or none.
const check = (suite, name, action) => suite.check(name, action, { seconds: 60, needed: true });

// One series, as often as the scrape needs to say what is expected.
async function becomes(server, name, labels, expected, timeout = 5000) {
  let last;
  const settled = async () => {
    last = (await Scrape.of(server)).value(name, labels);
    return last === expected;
  };
  await until(settled, { timeout, every: 100, what: () => `${name} ${JSON.stringify(labels)} ${expected}, is ${last}` });
}

async function idle_checks(suite, server) {
  await check(suite, kChecks.idle, async () => {
    const scrape = await Scrape.of(server);
    for (const name of ['room_total', 'participant_total', 'forward_latency', 'forward_latency_ns_count', 'quality_rating_count', 'room_duration_seconds_count', 'webhook_queue_length_count']) {
      const [series] = scrape.all(`livekit_${name}`);
      assert.equal(series?.value, 0, name);
      assert.match(series.labels.node_id, /^ND_/);
      assert.equal(series.labels.node_type, 'SERVER');
    }
    for (const type of ['out', 'dropped']) assert.ok(scrape.value('livekit_node_packet_total', { type }) >= 0, type);
    for (const name of ['packet_total', 'nack_total', 'pli_total', 'fir_total', 'participant_join_total', 'track_published_total', 'webhook_dispatch_total']) {
      assert.equal(scrape.value(`livekit_${name}`), undefined, name);
    }
  });
}

async function join_checks(suite, server, call) {
  const { room } = call;
  await check(suite, kChecks.joins, async () => {
    for (const [index, identity] of ['alice', 'bob'].entries()) {
      call.peers.push(await Peer.join(suite, server, room, identity, { number: index + 1 }));
    }
    const [alice, bob] = call.peers;
    await Promise.all(call.peers.flatMap((peer) => [peer.publish_picture(), peer.publish_tone()]));
    await Promise.all([alice.sees(bob), bob.sees(alice), alice.hears(bob), bob.hears(alice)]);
    const watcher = await SignalClient.join(server, room, 'watcher', { v1: false });
    await until(() => watcher.last.offer, { what: 'an offer' });
    watcher.destroy();
    const refused = await SignalClient.ask(server, room, 'mallory', { grant: { roomJoin: false } });
    assert.ok(!refused.client);
    await becomes(server, 'livekit_participant_join_total', { state: 'rtc_canceled' }, 1);
    const scrape = await Scrape.of(server);
    const states = {
      signal_connected: 3, signal_validation_failed: 1, rtc_init: 3, rtc_connected: 3,
      rtc_active: 2, rtc_success: 2, rtc_canceled: 1, rtc_failure: undefined,
    };
    for (const [state, count] of Object.entries(states)) {
      assert.equal(scrape.value('livekit_participant_join_total', { state }), count, state);
    }
    assert.equal(scrape.value('livekit_session_start_time_ms_count'), 2);
    const operation = (type) => scrape.value('livekit_node_service_operation', { type, status: 'success', error_type: '' });
    assert.equal(operation('participant_join'), 3);
    assert.equal(operation('peer_connection'), 2);
    assert.ok(operation('answer') >= 2);
    for (const state of ['started', 'ice_connected', 'connected', 'fully_established']) {
      assert.equal(scrape.value('livekit_peer_connection_state', { transport: 'PUBLISHER', state }), 2, state);
    }
    assert.equal(scrape.value('livekit_peer_connection_state', { transport: 'SUBSCRIBER' }), 1);
  });
}

async function media_checks(suite, server, call) {
  await check(suite, kChecks.tracks, async () => {
    const scrape = await Scrape.of(server);
    for (const { source, type } of kStreams) {
      assert.equal(scrape.value('livekit_track_published_total', { kind: type }), 2);
      assert.equal(scrape.value('livekit_track_subscribed_total', { kind: type }), 2);
      assert.equal(scrape.value('livekit_track_publish_counter', { kind: type, state: 'attempt' }), 2);
      assert.equal(scrape.value('livekit_track_publish_counter', { kind: type, state: 'success' }), 2);
      for (const direction of ['publish', 'subscribe']) {
        const labels = { direction, source, type, sdk: 'NODE', kind: 'STANDARD', count: '1', country: '' };
        const count = scrape.value('livekit_pubsubtime_ms_count', labels);
        assert.ok(count >= 2, `${direction} ${type}: ${count}`);
      }
    }
    const step = (state) => scrape.value('livekit_track_subscribe_counter', { state, error: '' });
    assert.equal(step('success'), 4);
    assert.equal(step('attempt'), 4 + (step('cancel') ?? 0));
    assert.equal(scrape.value('livekit_pubsubtime_ms_count', { direction: 'subscribe-stream-start', type: 'VIDEO' }), 2);
  });

  await check(suite, kChecks.packets, async () => {
    const names = ['packet_loss_percent', 'packet_out_of_order_percent', 'jitter_us', 'rtt_ms'];
    const series = kStreams.flatMap((stream) =>
      ['incoming', 'outgoing'].flatMap((direction) => names.map((name) => [name, { direction, ...stream, country: '' }])));
    let scrape;
    const missing = () => series.filter(([name, at]) => !(scrape.value(`livekit_${name}_count`, at) >= 2));
    const rounds = async () => (scrape = await Scrape.of(server)) && missing().length === 0;
    const what = () => `two rounds of ${JSON.stringify(missing())}`;
    await until(rounds, { timeout: 6 * kRoundMillis, every: 250, what });
    for (const stream of kStreams) {
      for (const direction of ['incoming', 'outgoing']) {
        const at = { direction, ...stream, country: '' };
        const mean = (name) => scrape.value(`livekit_${name}_sum`, at) / scrape.value(`livekit_${name}_count`, at);
        assert.ok(mean('packet_loss_percent') <= 5);
        assert.ok(mean('packet_out_of_order_percent') <= 5);
        assert.ok(mean('jitter_us') < 100_000);
        assert.ok(mean('rtt_ms') < 250);
      }
    }
    const packets = (direction) => scrape.value('livekit_packet_total', { direction, transmission: 'initial', country: '' });
    const enough = async () => {
      scrape = await Scrape.of(server);
      return Math.min(packets('incoming'), packets('outgoing')) >= kPackets;
    };
    await until(enough, { timeout: 20000, every: 250, what: () => `packets: ${packets('incoming')} in, ${packets('outgoing')} out` });
    assert.ok(scrape.value('livekit_packet_bytes', { direction: 'incoming' }) > 40 * packets('incoming'));
    assert.ok(scrape.value('livekit_pli_total', { direction: 'incoming' }) >= 1, 'publishers are asked for key frames');
    const forwarded = scrape.value('livekit_forward_latency_ns_count');
    assert.ok(forwarded >= 500, `${forwarded} packets with a delay`);
    assert.equal(scrape.value('livekit_forward_latency_ns_bucket', { le: '+Inf' }), forwarded);
    assert.ok(scrape.value('livekit_forward_latency') > 0);
    assert.ok(scrape.value('livekit_forward_jitter') > 0);
    assert.ok(scrape.value('livekit_quality_score_count') >= 2);
    assert.ok(scrape.value('livekit_quality_rating_count') >= 2);
  });
}

async function end_checks(suite, server, call) {
  await check(suite, kChecks.ends, async () => {
    await Promise.all(call.peers.map((peer) => peer.leave()));
    await becomes(server, 'livekit_participant_total', {}, 0);
    await room_client(server).deleteRoom(call.room);
    await becomes(server, 'livekit_room_duration_seconds_count', {}, 1);
    const scrape = await Scrape.of(server);
    assert.equal(scrape.value('livekit_session_duration_ms_count'), 2);
    assert.ok(scrape.value('livekit_session_duration_ms_sum') > 2 * kRoundMillis);
    for (const { type } of kStreams) {
      assert.equal(scrape.value('livekit_track_published_total', { kind: type }), 0);
      assert.equal(scrape.value('livekit_track_subscribed_total', { kind: type }), 0);
    }
    const sent = scrape.value('livekit_webhook_queue_length_count');
    assert.ok(sent >= 8, `${sent} webhooks`);
    await becomes(server, 'livekit_webhook_dispatch_total', { status: 'success', reason: '' }, sent);
  });
}
