// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// A healthy server makes no alert fire, real faults do, and what is mended goes silent again.

import fs from 'node:fs';
import path from 'node:path';

import { room_client } from '../api/clients.mjs';
import { WebhookSink } from '../api/webhook_sink.mjs';
import { KEY, ROOT, start_server } from '../lib/server.mjs';
import { SignalClient } from '../lib/signal_client.mjs';
import { assert, Suite } from '../lib/suite.mjs';
import { until } from '../lib/wait.mjs';
import { Prometheus } from './prometheus.mjs';

const kRefused = 60; // beyond a tenth of all requests, scrapes included
const kJoins = 14;
const kScrapes = 12;
const kBoards = path.join(ROOT, 'deploy/grafana/dashboards');

const suite = new Suite({ limit: 120 });
// Each goes on where the one before ended.
const check = (name, action) => suite.check(`alerts: ${name}`, action, { seconds: 40, needed: true });

async function healthy_checks(server, prometheus, sink) {
  await check('none fires for a healthy server, and every rule is evaluated [OBS-32]', async () => {
    await room_client(server).createRoom({ name: 'healthy' });
    const client = await SignalClient.join(server, 'healthy', 'alice', {});
    await sink.event('healthy', 'room_started');
    await until(async () => (await prometheus.query('count_over_time(up{job="confab"}[1m])'))[0]?.value[1] >= kScrapes, { timeout: 20000, what: `${kScrapes} scrapes` });
    const rules = await prometheus.rules();
    assert.ok(rules.length > 50, `${rules.length} rules`);
    assert.deepEqual(rules.filter(({ health }) => health !== 'ok').map(({ name, lastError }) => [name, lastError]), []);
    assert.deepEqual(await prometheus.firing(), {});
    const [{ value }] = await prometheus.query('instance:livekit_webhook_dispatch:increase15m{status="success"}');
    assert.ok(value[1] >= 1, `${value[1]} webhooks`);
    await client.leave();
  });

  await check('every query of the dashboards works at a server [OBS-30] [OBS-31]', async () => {
    const boards = fs.readdirSync(kBoards).map((name) => JSON.parse(fs.readFileSync(path.join(kBoards, name), 'utf8')));
    const queries = boards.flatMap(({ panels }) => panels.flatMap(({ targets }) => targets ?? [])).map(({ expr }) => expr);
    let shown = 0;
    for (const query of queries) {
      const result = await prometheus.query(query.replaceAll('$__rate_interval', '10s').replaceAll('$instance', '.*'));
      if (result.length > 0) shown += 1;
    }
    // What is left needs media, TURN, or faults.
    assert.ok(shown > queries.length / 2, `${shown} of ${queries.length} show something`);
  });
}

async function fault_checks(server, prometheus, sink, instance) {
  await check('tokens that are refused: ConfabTokensRefused [OBS-32]', async () => {
    const headers = { Authorization: 'Bearer nonsense', 'Content-Type': 'application/json' };
    for (let i = 0; i < kRefused; ++i) {
      const reply = await fetch(`${server.http}/twirp/livekit.RoomService/ListRooms`, { method: 'POST', headers, body: '{}' });
      assert.equal(reply.status, 401);
    }
    await prometheus.fires('ConfabTokensRefused', { instance, severity: 'warning' });
  });

  await check('one webhook that its receiver refuses, the first ever: ConfabWebhooksLost [OBS-32]', async () => {
    sink.refuse(501, () => true); // not tried again
    await room_client(server).createRoom({ name: 'untold' });
    await prometheus.fires('ConfabWebhooksLost', { instance, status: 'failure', reason: 'refused' });
  });

  await check('people who join and get no media: ConfabJoinFailures [OBS-32]', async () => {
    for (let i = 0; i < kJoins; ++i) {
      const client = await SignalClient.join(server, 'silent', `p${i}`, {});
      client.destroy();
    }
    await prometheus.fires('ConfabJoinFailures', { instance, severity: 'critical' });
  });
}

async function outage_checks(server, prometheus, instance, config) {
  await check('a server that is killed: ConfabDown, until it is back [OBS-32]', async () => {
    assert.ok(!(await prometheus.firing()).ConfabDown);
    server.signal('SIGKILL');
    await server.ended;
    await prometheus.fires('ConfabDown', { instance, severity: 'critical' });
    await start_server(suite, config, { port: server.ports.http });
    await until(async () => !(await prometheus.firing()).ConfabDown, { timeout: 10000, what: 'ConfabDown to end' });
  });
}

await suite.run(async () => {
  const sink = await WebhookSink.start(suite);
  const config = { webhook: { urls: [sink.url], api_key: KEY } };
  const server = await start_server(suite, config);
  const instance = `127.0.0.1:${server.ports.http}`;
  const prometheus = await Prometheus.start(suite, instance);
  await healthy_checks(server, prometheus, sink);
  await fault_checks(server, prometheus, sink, instance);
  await outage_checks(server, prometheus, instance, config);
});
