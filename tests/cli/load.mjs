// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// `confab load-test` as a shell sees it, against a server of its own.

import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import tls from 'node:tls';

import { Scrape } from '../lib/metrics.mjs';
import { free_port } from '../lib/ports.mjs';
import { KEY, SECRET, start_server } from '../lib/server.mjs';
import { assert, Suite } from '../lib/suite.mjs';
import { until } from '../lib/wait.mjs';
import { folder, run } from './program.mjs';

const kMillis = 20000;
const kKeys = ['--api-key', KEY, '--api-secret', SECRET];
const args_of = (server, more, joins = '0') => ['load-test', '--url', server.ws, ...kKeys, '--join-rate', joins, ...more];
const last_line = (text) => JSON.parse(text.trimEnd().split('\n').at(-1));

async function measured(server, more, { joins, ...settings } = {}) {
  const ended = await run(args_of(server, [...more, '--json'], joins), { millis: kMillis, ...settings });
  return { ...ended, result: last_line(ended.out) };
}

const kHeldMillis = 50;
const kTries = 3;

// As measured(), but for runs in which the machine held the tester: their times are not the server's.
async function measured_freely(prepare) {
  for (let tries = 1; ; ++tries) {
    const [server, more, settings] = await prepare();
    const ended = await measured(server, more, settings);
    if (ended.result.tester.lateness_ms.max <= kHeldMillis || tries === kTries) return ended;
  }
}

// When so many packets have left a server that is new.
async function packets_flow(server, count) {
  const sent = async () => (await Scrape.of(server)).value('livekit_packet_total', { direction: 'outgoing', transmission: 'initial' }) ?? 0;
  await until(async () => (await sent()) >= count, { timeout: kMillis / 2, what: `${count} packets to be sent` });
}

function between(value, low, high, what) {
  assert.ok(value >= low && value <= high, `${what} is ${value}, not ${low} to ${high}`);
}

async function result_checks(suite, server) {
  await suite.check('two rooms with picture and sound: everything arrives, and every figure is there [LKC-30] [LKC-32] [LKC-34]', async () => {
    const { code, err, result } = await measured_freely(() => [server, [
      '--rooms', '2', '--video-publishers', '1', '--audio-publishers', '1', '--subscribers', '10', '--duration', '5s',
    ]]);
    assert.deepEqual([code, err], [0, '']);
    assert.deepEqual([result.joined, result.failed, result.tracks, result.tracks_expected], [22, 0, 40, 40]);
    // 20 subscribers of 50 packets of sound and 30 pictures of about 7 packets, for 5 s.
    between(result.packets_received, 20 * 5 * (50 + 30 * 4), 20 * 8 * (50 + 30 * 12), 'packets_received');
    assert.equal(result.packets_lost, 0);
    between(result.packets_sent, 2 * 5 * (50 + 30), result.packets_received, 'packets_sent');
    for (const times of [result.latency_ms, result.settled_latency_ms, result.join_ms, ...Object.values(result.join_steps_ms)]) {
      assert.ok(times.p50 <= times.p95 && times.p95 <= times.p99 && times.p99 <= times.max && times.max < 5000, JSON.stringify(times));
      assert.ok(times.count > 0 && times.p50 > 0, JSON.stringify(times));
    }
    const { websocket, join_response, dtls, first_packet, first_key_frame } = result.join_steps_ms;
    assert.ok(websocket.max <= join_response.max && join_response.max <= dtls.max && dtls.max <= first_packet.max, JSON.stringify(result.join_steps_ms));
    assert.ok(first_packet.max <= first_key_frame.max && first_key_frame.count === 20);
    between(result.duration_seconds, 5, 6, 'duration_seconds');
    between(result.packets_per_second, 20 * (50 + 30 * 4), 20 * (50 + 30 * 12), 'packets_per_second');
    assert.equal(typeof result.freezes, 'number');
    // Few packets are decrypted, and those give enough times.
    between(result.packets_decrypted / result.packets_received, 0.03, 0.2, 'share decrypted');
    assert.equal(result.latency_ms.count, result.packets_decrypted);
    // Those of the first two of five seconds and more are not in it.
    between(result.settled_latency_ms.count / result.latency_ms.count, 0.3, 0.8, 'share of settled latency');
    assert.ok(result.settled_latency_ms.max <= result.latency_ms.max);
    assert.ok(result.tester.cpu_seconds > 0);
  });

  await suite.check('tables: a row for each track and subscriber, and times below [LKC-30]', async () => {
    const { code, out } = await run(args_of(server, ['--subscribers', '2', '--publishers', '1', '--duration', '1s', '--room', 'tables']), { millis: kMillis });
    assert.equal(code, 0);
    assert.match(out, /Track loading:\n┌.*\n│ Tester +│ Track +│ Kind +│ Pkts\. +│ Bitrate +│ Pkt\. Loss +│/);
    assert.equal(out.match(/│ [a-z]{5}-sub-[01] +│ TR_\w+ │ video │ +\d+/g).length, 2);
    assert.match(out, /Subscriber summaries:\n┌.*\n│ Tester +│ Tracks │ Bitrate +│ Total Pkt\. Loss │ Error │/);
    assert.match(out, /│ Total +│ 2\/2 /);
    assert.match(out, /latency +p50 \d+\.\d{3} {2}p95/);
    assert.match(out, /latency .*\n {2}after 2 s +nothing measured\n/); // it lasts one
  });

  await suite.check('two tests in one room let each other be, flags of all verbs stand before [LKC-01] [LKC-30]', async () => {
    const one = () => run(['--url', server.ws, '--verbose', 'perf', 'load-test', ...kKeys, '--join-rate', '0', '--yes', '--duration', '2s', '--room', 'shared', '--json'], { millis: kMillis });
    for (const { code, err, out } of await Promise.all([one(), one()])) {
      assert.deepEqual([code, err], [0, '']);
      assert.equal(last_line(out).joined, 2);
    }
  });

  await suite.check('a slow join: the rate is that behind the last one, 50 pieces of sound a second for each of four [LKC-32]', async () => {
    const { result } = await measured(server, ['--audio-publishers', '1', '--subscribers', '4', '--duration', '2s', '--room', 'slow-join'], { joins: '1' });
    between(result.packets_per_second, 4 * 50 * 0.8, 4 * 50 * 1.2, 'packets_per_second');
    assert.ok(result.packets_received / result.duration_seconds > 4 * 50 * 1.4, `${result.packets_received} with those of the joins`);
  });

  await suite.check('layers that no layout shows are not published [LKC-33] [DYN-02]', async () => {
    const all = async (layout) => (await measured(server, ['--subscribers', '1', '--publishers', '1', '--layout', layout, '--duration', '3s', '--room', layout])).result;
    const [small, large] = [await all('4x4'), await all('speaker')];
    assert.deepEqual([small.packets_lost, large.packets_lost], [0, 0]);
    assert.ok(small.bytes_received < large.bytes_received / 4, `${small.bytes_received} of ${large.bytes_received}`);
    // 30 pictures of one or two packets a second, and all layers until the server has said so.
    assert.ok(small.packets_sent < large.packets_sent / 2, `${small.packets_sent} of ${large.packets_sent}`);
  });

  await suite.check('meetings with screens, speakers in turn and data over /rtc [LKC-30] [LKC-34]', async () => {
    const { code, err, result } = await measured(server, [
      '--video-publishers', '2', '--audio-publishers', '3', '--screen-publishers', '1', '--publishers-subscribe', '--simulate-speakers',
      '--layout', '3x3', '--data-rate', '10', '--signal', 'v0', '--duration', '4s', '--own-sockets',
    ]);
    assert.deepEqual([code, err], [0, '']);
    // Three people, each with all tracks of the others: six in all, each of which two receive.
    assert.deepEqual([result.joined, result.tracks, result.tracks_expected], [3, 12, 12]);
    assert.equal(result.packets_lost, 0);
    between(result.data.sent, 3 * 30, 3 * 80, 'data sent');
    between(result.data.received, result.data.sent, 2 * result.data.sent, 'data received');
    assert.ok(result.data.latency_ms.p50 > 0);
  });
}

async function limit_checks(suite, server) {
  await suite.check('a limit that is not kept ends with 3 and says which [LKC-35]', async () => {
    const { code, err, result } = await measured(server, ['--duration', '1s', '--max-latency-p50', '1us', '--max-loss', '0.1%', '--max-join-p95', '10s']);
    assert.equal(code, 3);
    assert.match(err, /^error: latency p50 is [\d.]+ ms, more than 0\.001 ms\n$/);
    assert.equal(result.violations.length, 1);
  });

  await suite.check('limits that are kept end with 0; those that cannot be read are named [LKC-35]', async () => {
    const { code } = await measured(server, ['--duration', '1s', '--max-loss', '1%', '--max-latency-p95', '1s', '--max-freezes', '100']);
    assert.equal(code, 0);
    for (const [flag, value] of [['--max-loss', '2'], ['--max-latency-p95', '80'], ['--duration', 'x']]) {
      const { code, err } = await run(args_of(server, [flag, value]));
      assert.equal(code, 1);
      assert.ok(err.startsWith(`error: ${flag} ${value} is no `), err);
    }
  });
}

// A listener that hands connections to the server, but for requests that `refuse` answers.
async function proxy(suite, server, { refuse, secure } = {}) {
  const port = await free_port();
  const take = (socket) => {
    socket.once('data', (first) => {
      const answer = refuse?.(first.toString('latin1'));
      if (answer) return socket.end(answer);
      const on = net.connect(server.ports.http, '127.0.0.1', () => on.write(first));
      for (const [from, to] of [[socket, on], [on, socket]]) {
        from.on('error', () => to.destroy());
        from.pipe(to);
      }
    });
    socket.on('error', () => {});
  };
  const listener = secure ? tls.createServer(secure, take) : net.createServer(take);
  listener.on('tlsClientError', () => {});
  await new Promise((resolve) => listener.listen(port, '127.0.0.1', resolve));
  suite.cleanup(() => listener.close());
  return port;
}

async function server_checks(suite, server) {
  await suite.check('a server without /rtc/v1 is joined by /rtc [SIG-01]', async () => {
    const port = await proxy(suite, server, {
      refuse: (request) => request.startsWith('GET /rtc/v1') && 'HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n',
    });
    const { code, err, result } = await measured({ ws: `http://127.0.0.1:${port}` }, ['--subscribers', '3', '--publishers', '1', '--duration', '2s']);
    assert.deepEqual([code, err], [0, '']);
    assert.deepEqual([result.joined, result.failed, result.tracks], [4, 0, 3]);
    assert.ok(result.packets_received > 300);
  });

  await suite.check('wss: only with a certificate that is trusted', async () => {
    const made = folder(suite);
    const [key, cert] = ['key.pem', 'cert.pem'].map((name) => path.join(made, name));
    execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', key, '-out', cert,
      '-days', '2', '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'], { stdio: 'ignore' });
    const port = await proxy(suite, server, { secure: { key: fs.readFileSync(key), cert: fs.readFileSync(cert) } });
    const target = { ws: `wss://localhost:${port}` };
    const refused = await run(args_of(target, ['--duration', '1s']), { millis: kMillis });
    assert.equal(refused.code, 1);
    assert.match(refused.err, /^error: cannot connect to localhost:\d+: certificate: self-signed certificate/);
    const { code, result } = await measured(target, ['--duration', '1s'], { env: { SSL_CERT_FILE: cert } });
    assert.deepEqual([code, result.joined], [0, 2]);
  });

  await suite.check('a server that is not there: code 1 and what to look at [LKC-35]', async () => {
    const port = await free_port();
    for (const more of [[], ['--json']]) {
      const { code, out, err } = await run(['load-test', '--url', `ws://127.0.0.1:${port}`, ...kKeys, ...more]);
      assert.equal(code, 1);
      assert.match(err, /^error: cannot connect to 127\.0\.0\.1:\d+: Connection refused; is the server running there\? check --url\n$/);
      if (more.length) assert.equal(last_line(out).packets_received, 0);
      else assert.equal(out, '');
    }
    const { code, err } = await run(['load-test', '--url', 'localhost:7880', '--dev']);
    assert.deepEqual([code, err], [1, 'error: --url localhost:7880 is no address of a server; it looks like ws://host:7880\n']);
  });

  await suite.check('a wrong secret: code 1, at once, and what to check', async () => {
    const begin = Date.now();
    const { code, err } = await run(['load-test', '--url', server.ws, '--api-key', KEY, '--api-secret', `wrong-${SECRET}`, '--subscribers', '50', '--publishers', '1']);
    assert.equal(code, 1);
    assert.match(err, /^error: the server refuses the token \(status 401, ".*"\); check --api-key and --api-secret\n$/);
    assert.ok(Date.now() - begin < 3000);
    const none = await run(['load-test', '--url', server.ws]);
    assert.deepEqual([none.code, none.err.startsWith('error: no server and key; give --url with --api-key')], [1, true]);
  });

  await suite.check('an interrupt ends the test with what was measured', async () => {
    const fresh = await start_server(suite);
    let interrupting;
    const interrupt = async (child) => {
      await packets_flow(fresh, 100);
      child.kill('SIGINT');
    };
    const { code, result } = await measured(fresh, ['--duration', '0'], { started: (child) => (interrupting = interrupt(child)) });
    await interrupting;
    assert.equal(code, 0);
    assert.ok(result.packets_received > 50);
  });
}

async function outage_checks(suite) {
  await suite.check('a server that is killed in mid-run: code 1, and what was measured until then [LKC-35]', async () => {
    const server = await start_server(suite);
    let begin;
    const kill = async (child) => {
      await packets_flow(server, 4 * 200);
      assert.equal(child.exitCode, null);
      begin = Date.now();
      server.signal('SIGKILL');
    };
    let killing;
    const { code, err, result } = await measured(server, ['--subscribers', '4', '--publishers', '1', '--duration', '1m'], {
      started: (child) => (killing = kill(child)),
    });
    await killing;
    assert.ok(Date.now() - begin < 4000);
    assert.equal(code, 1);
    assert.match(err, /^error: no participant is left after \d+ ms; 5 of 5 participants failed: signalling ended: .+\n$/);
    assert.deepEqual([result.joined, result.failed, result.packets_lost], [5, 5, 0]);
    assert.ok(result.packets_received > 4 * 100, `${result.packets_received}`);
    assert.ok(result.latency_ms.p50 > 0 && result.failure !== '');
  });
}

async function halt_checks(suite) {
  await suite.check('a server that stands still to the end keeps no limit, though nothing is missing [LKC-35]', async () => {
    const { code, err, result } = await measured_freely(async () => {
      const server = await start_server(suite);
      suite.cleanup(() => server.signal('SIGCONT'));
      const halt = () => packets_flow(server, 2 * 200).then(() => server.signal('SIGSTOP'));
      return [server, [
        '--subscribers', '2', '--publishers', '1', '--audio-publishers', '1', '--duration', '6s', '--max-loss', '0.1%', '--max-freezes', '0',
      ], { started: halt }];
    });
    assert.equal(code, 3);
    assert.equal(err, 'error: 4 tracks had stopped before the end\nerror: 2 freezes, more than 0\n');
    assert.deepEqual([result.packets_lost, result.freezes, result.audio_gaps, result.tracks_stopped], [0, 2, 2, 4]);
    between(result.frozen_seconds, 2 * 2, 2 * 5, 'frozen_seconds');
  });
}

const suite = new Suite({ limit: 300 });
await suite.run(async () => {
  const server = await start_server(suite);
  await result_checks(suite, server);
  await limit_checks(suite, server);
  await server_checks(suite, server);
  await outage_checks(suite);
  await halt_checks(suite);
});
