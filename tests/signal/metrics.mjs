// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Packets of client metrics: who gets them and when, and their times by the server's clock.

import { DataPacket, EventMetric, MetricsBatch, TimeSeriesMetric } from '@livekit/protocol';

import { start_server } from '../lib/server.mjs';
import { assert } from '../lib/suite.mjs';
import { until } from '../lib/wait.mjs';
import { fresh_room } from './client.mjs';
import { MediaClient } from './media.mjs';

const kMay = { grant: { canSubscribeMetrics: true } };
const kAtOnce = { reporter: { reporting_interval_ms: 0 } };
const kHour = 3_600_000;

const packets = (peer) => peer.data.filter((one) => one.label === '_reliable').map((one) => DataPacket.fromBinary(one.bytes));
const metrics = (peer) => packets(peer).map((one) => one.value).filter((one) => one.case === 'metrics').map((one) => one.value);
const send = (peer, value) => peer.channels._reliable.send(Buffer.from(new DataPacket({ value }).toBinary()));
const ms_of = (timestamp) => Number(timestamp.seconds) * 1000 + timestamp.nanos / 1e6;

// The first batch with this label that a peer got.
const heard = (peer, label) =>
  until(() => metrics(peer).find((batch) => batch.timeSeries[0]?.label === label), { what: `metrics at ${peer.client.identity}` });

async function room_of(suite, server, settings) {
  const room = fresh_room('metrics');
  const join = ([identity, given]) => MediaClient.join(suite, server, room, identity, { v1: true, ...given });
  const peers = await Promise.all(Object.entries(settings).map(join));
  for (const peer of peers) await until(() => peer.channels._reliable?.readyState === 'open');
  return peers;
}

async function receiver_checks(suite, server) {
  await suite.check('metrics reach those who may subscribe to them, the sender too, and nobody else [SIG-124]', async () => {
    const [alice, bob, carol] = await room_of(suite, server, { alice: kMay, bob: kMay, carol: {} });
    const series = new TimeSeriesMetric({ label: 3, samples: [{ timestampMs: 5n, value: 0.5 }] });
    send(alice, { case: 'metrics', value: new MetricsBatch({ timestampMs: BigInt(Date.now()), timeSeries: [series] }) });
    for (const peer of [alice, bob]) {
      const batch = await heard(peer, 3);
      assert.deepEqual([batch.timeSeries.length, batch.timeSeries[0].samples[0].value], [1, 0.5]);
      const { participantIdentity, participantSid } = packets(peer).find((one) => one.value.case === 'metrics');
      assert.deepEqual([participantIdentity, participantSid], ['alice', alice.sid]);
    }
    // Whoever may not hear them may send them.
    send(carol, { case: 'metrics', value: new MetricsBatch({ timeSeries: [{ label: 4 }] }) });
    await Promise.all([heard(alice, 4), heard(bob, 4)]);
    for (const peer of [alice, bob]) send(peer, { case: 'user', value: { payload: Buffer.from('after'), topic: 't' } });
    await until(() => packets(carol).filter((one) => one.value.case === 'user').length === 2);
    assert.equal(metrics(carol).length, 0);
  });

  await suite.check('metrics that are no message are dropped, the next ones come [SIG-124]', async () => {
    const [alice, bob] = await room_of(suite, server, { alice: {}, bob: kMay });
    alice.channels._reliable.send(Buffer.from([0x42, 0x02, 0x22, 0x05]));
    send(alice, { case: 'metrics', value: new MetricsBatch({ timeSeries: [{ label: 5 }] }) });
    await heard(bob, 5);
    assert.equal(metrics(bob).length, 1);
  });
}

async function time_checks(suite, server) {
  await suite.check('metrics of clocks that are an hour wrong have their times by the server\'s [SIG-124]', async () => {
    const [alice, bob, carol] = await room_of(suite, server, { alice: {}, bob: {}, carol: kMay });
    for (const [index, [peer, wrong]] of [[alice, -kHour], [bob, kHour]].entries()) {
      const begin = Date.now();
      const at = BigInt(begin + wrong);
      const lie = { seconds: 1n, nanos: 1 };
      const series = new TimeSeriesMetric({ label: index, samples: [{ timestampMs: at - 2000n, normalizedTimestamp: lie, value: 1 }] });
      const event = new EventMetric({ label: 1, startTimestampMs: at - 1000n, endTimestampMs: at, normalizedEndTimestamp: lie });
      send(peer, { case: 'metrics', value: new MetricsBatch({ timestampMs: at, normalizedTimestamp: lie, timeSeries: [series], events: [event] }) });
      const batch = await heard(carol, index);
      const sent = ms_of(batch.normalizedTimestamp);
      assert.ok(sent >= begin - 50 && sent <= Date.now() + 50, `sent at ${begin}, seen at ${sent}`);
      const [{ samples: [sample] }] = batch.timeSeries;
      const [{ normalizedStartTimestamp, normalizedEndTimestamp }] = batch.events;
      assert.equal(sample.timestampMs, at - 2000n);
      const times = [sample.normalizedTimestamp, normalizedStartTimestamp, normalizedEndTimestamp].map(ms_of);
      assert.deepEqual(times.map((one) => Math.round(one - sent)), [-2000, -1000, 0]);
    }
  });

  await suite.check('metrics: clocks are compared as often as the configuration says [SIG-124]', async () => {
    const timestamper_config = { one_way_delay_estimator_min_interval: '1h', one_way_delay_estimator_max_batch: 3 };
    const rare = await start_server(suite, { metric: { timestamper_config, ...kAtOnce } });
    const [alice] = await room_of(suite, rare, { alice: kMay });
    // The clock jumps by an hour after the first of them.
    const shifts = [];
    for (let label = 0; label < 4; ++label) {
      const at = BigInt(Date.now() + (label > 0 ? kHour : 0));
      send(alice, { case: 'metrics', value: new MetricsBatch({ timestampMs: at, timeSeries: [{ label }] }) });
      const batch = await heard(alice, label);
      shifts.push(ms_of(batch.normalizedTimestamp) - Number(at));
    }
    const [first, second, third, compared] = shifts;
    assert.deepEqual([second, third], [first, first]);
    assert.ok(Math.abs(compared + 0.9 * kHour) < 5000, `compared anew: ${shifts}`);
    await alice.close();
    await rare.stop();
    rare.forget();
  });
}

async function report_checks(suite) {
  const kInterval = 1500;
  const name = 'metrics are told as one report as often as the configuration says [SIG-124]';
  if (!suite.selected(name)) return;
  const server = await start_server(suite, { metric: { reporter: { reporting_interval_ms: kInterval } } });
  await suite.check(name, async () => {
    const [alice, bob, carol, dora] = await room_of(suite, server, { alice: {}, bob: kMay, carol: kMay, dora: {} });
    const began = Date.now();
    for (let label = 1; label <= 10; ++label)
      for (const peer of [alice, bob]) send(peer, { case: 'metrics', value: new MetricsBatch({ timestampMs: 5n, timeSeries: [{ label }] }) });
    for (const peer of [bob, carol]) {
      const all = () => metrics(peer).flatMap((batch) => batch.timeSeries.map(({ label, participantIdentity }) => `${batch.strData[participantIdentity - 4096]} ${label}`));
      await until(() => metrics(peer).length > 0, { every: 5, what: 'the first report' });
      assert.ok(Date.now() - began > kInterval - 100, `a report after ${Date.now() - began} ms`);
      await until(() => all().length === 20, { what: () => `all metrics, ${all()} came` });
      assert.equal(new Set(all()).size, 20);
      assert.ok(all().includes('alice 10') && all().includes('bob 1'), all());
      const reports = metrics(peer);
      assert.ok(reports.length <= 3, `${reports.length} reports`);
      for (const one of reports) assert.ok(Math.abs(ms_of(one.normalizedTimestamp) - Number(one.timestampMs)) < 1);
    }
    // What is said later comes with a later report, and nobody else gets any.
    for (const peer of [bob, carol]) send(peer, { case: 'user', value: { payload: Buffer.from('after'), topic: 't' } });
    await until(() => packets(dora).filter((one) => one.value.case === 'user').length === 2);
    assert.equal(metrics(dora).length, 0);
    for (const peer of [alice, bob, carol, dora]) await peer.close();
  });
  await server.stop();
  server.forget();
}

const kPublisher = 17;
const kSubscriber = 19;

// Of a participant that a peer heard of: {at, value} of each sample.
const samples = (peer, label, identity) =>
  metrics(peer).flatMap((batch) => batch.timeSeries
    .filter((one) => one.label === label && batch.strData[one.participantIdentity - 4096] === identity)
    .flatMap((one) => one.samples.map((sample) => ({ at: ms_of(sample.normalizedTimestamp), said: Number(sample.timestampMs), value: sample.value }))));

async function round_trip_checks(suite) {
  const kSampling = 300;
  const name = 'metrics: round-trip times of all participants, to those who may subscribe to metrics [SIG-124]';
  if (!suite.selected(name)) return;
  const collector = { sampling_interval_ms: kSampling, batch_interval_ms: 3 * kSampling };
  const server = await start_server(suite, { metric: { collector, reporter: { reporting_interval_ms: 100 } } });
  await suite.check(name, async () => {
    const begin = Date.now();
    const two = { v1: false };
    const hidden = { grant: { hidden: true } };
    const [alice, bob, carol, dora] = await room_of(suite, server, { alice: {}, bob: two, carol: kMay, dora: hidden });
    const enough = (label, identity) => until(() => samples(carol, label, identity).length >= 6, { what: `${label} of ${identity}` });
    // bob publishes nothing, and has no connection for it.
    await Promise.all([enough(kPublisher, 'alice'), enough(kSubscriber, 'alice'), enough(kSubscriber, 'bob'), enough(kPublisher, 'carol')]);
    assert.deepEqual([samples(carol, kPublisher, 'bob'), samples(carol, kPublisher, 'dora'), samples(carol, kSubscriber, 'dora')], [[], [], []]);
    const of_alice = samples(carol, kPublisher, 'alice');
    for (const { at, said, value } of [...of_alice, ...samples(carol, kSubscriber, 'bob')]) {
      assert.ok(value > 0 && value < 1, `a round trip of ${value} s`);
      assert.ok(at - said >= 0 && at - said < 1 && at > begin - 50 && at < Date.now() + 50, `at ${at}, ${said}, begun ${begin}`);
    }
    const between = (of_alice.at(-1).at - of_alice[0].at) / (of_alice.length - 1);
    assert.ok(between > 0.8 * kSampling && between < 2 * kSampling, `a sample every ${between} ms`);
    const batches = metrics(carol).flatMap((batch) => batch.timeSeries.map((series) => series.samples.length));
    assert.ok(Math.max(...batches) <= 4 && batches.includes(3), `${batches} samples in a batch`);
    // Nobody else gets any.
    send(carol, { case: 'user', value: { payload: Buffer.from('after'), topic: 't' } });
    for (const peer of [alice, bob, dora]) {
      await until(() => packets(peer).some((one) => one.value.case === 'user'));
      assert.equal(metrics(peer).length, 0);
    }
    for (const peer of [alice, bob, carol, dora]) await peer.close();
  });
  await server.stop();
  server.forget();
}

async function large_checks(suite, server) {
  await suite.check('metrics that grow beyond a packet with the server\'s times come whole, in several [SIG-124]', async () => {
    const [alice, bob] = await room_of(suite, server, { alice: {}, bob: kMay });
    const kSamples = 8000;
    const samples = Array.from({ length: kSamples }, (_, index) => ({ timestampMs: BigInt(1000 + index) }));
    send(alice, { case: 'metrics', value: new MetricsBatch({ timestampMs: 5000n, timeSeries: [new TimeSeriesMetric({ label: 6, samples })] }) });
    const times = () => metrics(bob).flatMap((batch) => batch.timeSeries.flatMap((series) => series.samples.map((one) => Number(one.timestampMs))));
    await until(() => times().length >= kSamples, { what: () => `all samples, ${times().length} came` });
    assert.deepEqual(times(), samples.map((one) => Number(one.timestampMs)));
    assert.ok(metrics(bob).length > 1);
    for (const batch of metrics(bob)) assert.ok(batch.timeSeries[0].label === 6 && batch.normalizedTimestamp);
    for (const peer of [alice, bob]) await peer.close();
  });
}

export async function metrics_checks(suite) {
  const server = await start_server(suite, { metric: kAtOnce });
  await Promise.all([receiver_checks(suite, server), time_checks(suite, server), large_checks(suite, server), report_checks(suite), round_trip_checks(suite)]);
  await server.stop();
  server.forget();
}
