// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Janus' VideoRoom behind the adapter, by its API over a WebSocket on a Unix socket: a handle for
// what a participant publishes, another for what it subscribes to; Janus' own descriptions go to
// the clients as they come. Its configuration is a folder of its own, everything else is as
// installed.

import { execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { parse_sdp } from './sdp.mjs';

const require = createRequire(new URL('../../tests/package.json', import.meta.url));
const { WebSocket } = require('ws');

const kRoom = 1;
const kMaxPublishers = 100;
const kStartTries = 400;
const kStartMillis = 50;
const kKeepAliveMillis = 20_000;
// Janus takes no loopback interface for ICE, and ties its sockets to the one it takes. The address
// of loopback on another one satisfies it; packets go over loopback all the same, as all between
// addresses of one machine do.
const kInterface = 'confab-peer0';
const kAddress = '127.0.0.1/32';

// Those that would need a configuration, too.
const kPlugins =
  'audiobridge duktape echotest lua nosip recordplay sip streaming textroom videocall voicemail'.split(' ');
const kTransports = 'http mqtt nanomsg pfunix rabbitmq'.split(' ');
const disabled = (names) => `{ disable = "${names.map((name) => `libjanus_${name}.so`).join()}" }`;

function write_configuration(folder, socket, loops) {
  const general = ['debug_level = 3', ...(loops > 0 ? [`event_loops = ${loops}`] : [])].join(', ');
  const files = {
    'janus.jcfg': `general: { ${general} }\nplugins: ${disabled(kPlugins)}\ntransports: ${disabled(kTransports)}\n`,
    'janus.transport.websockets.jcfg': `general: { ws = true, ws_unix = "${socket}", json = "compact" }\n`,
    'janus.plugin.videoroom.jcfg': 'general: { }\n',
  };
  for (const [name, text] of Object.entries(files)) fs.writeFileSync(path.join(folder, name), text);
}

// Another interface, where there is none but loopback: in the network namespace of the benchmark.
function add_interface() {
  const others = Object.keys(os.networkInterfaces()).filter((name) => name !== 'lo');
  if (others.length > 0) return;
  const ip = (...words) => execFileSync('ip', words, { stdio: ['ignore', 'ignore', 'inherit'] });
  ip('link', 'add', kInterface, 'type', 'veth', 'peer', 'name', 'confab-peer1');
  ip('address', 'add', kAddress, 'dev', kInterface);
  ip('link', 'set', kInterface, 'up');
  ip('link', 'set', 'confab-peer1', 'up');
}

// One session of the API and its answers, by transaction.
class Session {
  #socket;
  #waiting = new Map();
  #connecting = new Map(); // by handle
  #transactions = 0;
  #id;

  static async open(file) {
    const session = new Session();
    for (let tries = 0; ; ++tries) {
      try {
        await session.#connect(file);
        break;
      } catch (error) {
        if (tries === kStartTries) throw error;
        await sleep(kStartMillis);
      }
    }
    session.#id = (await session.ask({ janus: 'create' })).data.id;
    setInterval(() => session.ask({ janus: 'keepalive' }), kKeepAliveMillis).unref();
    return session;
  }
  // The answer; what a plugin does later comes as an event, which `ask` waits for with `event`.
  ask(message, event = false) {
    this.#transactions += 1;
    const transaction = String(this.#transactions);
    const whole = { ...message, transaction, ...(this.#id && { session_id: this.#id }) };
    return new Promise((resolve, reject) => {
      this.#waiting.set(transaction, { resolve, reject, event });
      this.#socket.send(JSON.stringify(whole));
    });
  }

  // Once the peer connection of a handle is up.
  connected(handle) {
    return new Promise((resolve) => this.#connecting.set(handle, resolve));
  }

  #connect(file) {
    return new Promise((resolve, reject) => {
      this.#socket = new WebSocket(`ws+unix://${file}:/`, 'janus-protocol');
      this.#socket.on('open', resolve);
      this.#socket.on('error', reject);
      this.#socket.on('message', (data) => this.#take(JSON.parse(data)));
    });
  }
  #take(message) {
    if (message.janus === 'webrtcup') this.#connecting.get(message.sender)?.();
    const waiting = this.#waiting.get(message.transaction);
    const data = message.plugindata?.data;
    if (!waiting || (waiting.event && message.janus === 'ack')) return;
    this.#waiting.delete(message.transaction);
    const error = message.error?.reason ?? data?.error;
    if (error) waiting.reject(new Error(`Janus: ${error}`));
    else waiting.resolve(message);
  }
}

// One plugin handle, which has one peer connection.
class Handle {
  #session;
  #id;

  static async attach(session) {
    const handle = new Handle();
    handle.#session = session;
    const { data } = await session.ask({ janus: 'attach', plugin: 'janus.plugin.videoroom' });
    handle.#id = data.id;
    handle.connected = session.connected(data.id);
    return handle;
  }
  // Requests with an answer at once.
  request(body) {
    return this.#session.ask({ janus: 'message', handle_id: this.#id, body });
  }
  // Those that end with an event, which may have a description: { data, sdp }.
  async perform(body, type, sdp) {
    const message = { janus: 'message', handle_id: this.#id, body, ...(sdp && { jsep: { type, sdp } }) };
    const { plugindata, jsep } = await this.#session.ask(message, true);
    return { data: plugindata.data, sdp: jsep?.sdp };
  }
  trickle(candidate) {
    return this.#session.ask({ janus: 'trickle', handle_id: this.#id, candidate }, false);
  }
  detach() {
    return this.#session.ask({ janus: 'detach', handle_id: this.#id });
  }
}

export class JanusServer {
  #session;

  static async start(options) {
    add_interface();
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'confab-janus-'));
    const socket = path.join(folder, 'api');
    write_configuration(folder, socket, Number(options['event-loops'] ?? 0));
    const binary = options.binary ?? 'janus';
    const words = ['--configs-folder', folder, '--ice-lite', '--disable-colors'];
    if (options.plugins) words.push('--plugins-folder', options.plugins);
    // setpriv: it ends with us, however we end.
    const child = spawn('setpriv', ['--pdeathsig', 'KILL', binary, ...words], { stdio: 'inherit' });
    child.on('exit', (code, signal) => {
      process.stderr.write(`Janus has ended (${signal ?? code}); 'apt-get install janus' installs it\n`);
      process.exit(1);
    });
    const self = new JanusServer();
    self.#session = await Session.open(socket);
    fs.rmSync(folder, { recursive: true }); // it has read everything, and we are connected
    const handle = await Handle.attach(self.#session);
    const room = { room: kRoom, publishers: kMaxPublishers, audiocodec: 'opus', videocodec: 'vp8' };
    await handle.request({ request: 'create', ...room, bitrate: 0, audiolevel_event: false });
    return self;
  }

  join(participant) {
    return { participant, up: null, down: null, feed: null, mids: new Set(), starting: false };
  }
  async publish(state, offer, tracks) {
    if (!state.up) {
      state.up = await Handle.attach(this.#session);
      const joined = await state.up.perform({ request: 'join', ptype: 'publisher', room: kRoom });
      state.feed = joined.data.id;
    }
    const sent = parse_sdp(offer).sections.filter((section) => section.is_sent);
    const descriptions = sent.map((section) => ({
      mid: section.get('mid'),
      description: tracks.get(section.get('msid').split(' ')[1])?.sid ?? '',
    }));
    const body = { request: state.mids.size > 0 ? 'configure' : 'publish', descriptions };
    const { sdp } = await state.up.perform(body, 'offer', offer);
    const news = descriptions.filter(({ mid }) => !state.mids.has(mid));
    for (const { mid } of news) state.mids.add(mid);
    // It knows no feed without a connection.
    const published = state.up.connected.then(() => news.map(({ mid }) => ({ feed: state.feed, mid })));
    return { answer: sdp, published };
  }
  async subscribe(state, streams) {
    if (state.down) return (await state.down.perform({ request: 'subscribe', streams })).sdp;
    state.down = await Handle.attach(this.#session);
    return (await state.down.perform({ request: 'join', ptype: 'subscriber', room: kRoom, streams })).sdp;
  }
  async answered(state, answer) {
    await state.down.perform({ request: 'start' }, 'answer', answer);
  }
  async trickle(state, publisher, candidate) {
    await (publisher ? state.up : state.down)?.trickle(candidate);
  }
  async leave(state) {
    await Promise.all([state.up?.detach(), state.down?.detach()]);
  }
}
