// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Stands in for the server behind the console: the pages of web/dist-console under the policy that the
// real one sends, and the answers of an imagined one, which can be big, refuse, or be away.
//
// By hand, for `npm run dev:console`: node tests/console/mock_server.mjs [port]

import fs from 'node:fs/promises';
import http from 'node:http';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { KEY, ROOT, SECRET } from '../lib/server.mjs';
import { detail_of, history_of, kOptions, make_deliveries, make_events, make_rooms, make_sessions, overview_of, row_of } from './mock_data.mjs';

export const kOperatorPassword = 'operator-password';
export const kViewerPassword = 'viewer-password';

const kPages = path.join(ROOT, 'web/dist-console');
const kPolicy = "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const kTypes = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml', '.txt': 'text/plain' };
const kWrong = 'key, secret or password are wrong: compare them with the configuration';

class Refused extends Error {
  constructor(status, message, headers = {}) {
    super(message);
    Object.assign(this, { status, headers });
  }
}

async function body_of(request) {
  let text = '';
  for await (const part of request) text += part;
  return text ? JSON.parse(text) : {};
}

export class MockServer {
  #server = http.createServer((request, response) => void this.#serve(request, response));

  rooms = make_rooms(24, 5);
  sessions = make_sessions(1200);
  events = make_events(250);
  deliveries = make_deliveries(60);
  calls = []; // of the server API: {method, body}
  asked = []; // pages: {name, params}
  away = false;
  tries_left = Infinity;
  refusal = undefined; // {path, status, error}: what calls whose path begins so get
  slow_ms = 0;
  churn = false; // every answer differs from the one before

  static async start(suite, port = 0) {
    const mock = new MockServer();
    await new Promise((resolve) => mock.#server.listen(port, '127.0.0.1', resolve));
    mock.http = `http://127.0.0.1:${mock.#server.address().port}`;
    suite?.cleanup(() => {
      mock.#server.closeAllConnections?.();
      mock.#server.close();
    });
    return mock;
  }

  async #serve(request, response) {
    if (this.away) {
      request.socket.destroy();
      return;
    }
    const url = new URL(request.url, 'http://localhost');
    if (!url.pathname.startsWith('/console/api/')) {
      await this.#page(url, response);
      return;
    }
    try {
      if (this.slow_ms > 0) await new Promise((resolve) => setTimeout(resolve, this.slow_ms));
      const answer = await this.#answer(request, url.pathname.slice('/console/api/'.length), Object.fromEntries(url.searchParams), response);
      response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(answer));
    } catch (error) {
      response.writeHead(error.status ?? 500, { 'Content-Type': 'application/json', ...error.headers }).end(JSON.stringify({ error: error.message }));
    }
  }

  async #page({ pathname }, response) {
    const name = pathname === '/console/' ? 'index.html' : decodeURIComponent(pathname.replace(/^\/console\//, ''));
    const file = path.join(kPages, name);
    const content = file.startsWith(kPages + path.sep) ? await fs.readFile(file).catch(() => undefined) : undefined;
    if (!content) response.writeHead(404).end();
    else response.writeHead(200, { 'Content-Type': kTypes[path.extname(file)], 'Content-Security-Policy': kPolicy }).end(content);
  }

  async #answer(request, name, params, response) {
    if (request.method !== 'GET' && request.headers['x-confab-console'] !== '1') throw new Refused(403, 'the header X-Confab-Console is missing');
    if (this.refusal && name.startsWith(this.refusal.path)) throw new Refused(this.refusal.status, this.refusal.error);
    if (name === 'session') return this.#session(request, response);
    const role = /confab_console=(\w+)/.exec(request.headers.cookie ?? '')?.[1];
    if (!role || this.signed_out) throw new Refused(401, 'nobody is signed in: sign in again');
    if (request.method === 'GET') {
      this.asked.push({ name, params });
      return this.#read(name, params);
    }
    if (role !== 'operator') throw new Refused(403, 'viewers may not do this: sign in as operator');
    return this.#act(name, await body_of(request), params.tenant);
  }

  async #session(request, response) {
    const role_now = /confab_console=(\w+)/.exec(request.headers.cookie ?? '')?.[1];
    const session = (role, name) => ({ role, name, expires_at: Date.now() + 12 * 3_600_000 });
    const cookie = (value) => response.setHeader('Set-Cookie', `confab_console=${value}; HttpOnly; SameSite=Strict; Path=/console`);
    if (request.method === 'DELETE') {
      cookie('; Max-Age=0');
      return {};
    }
    if (request.method === 'GET') {
      if (!role_now || this.signed_out) throw new Refused(401, 'nobody is signed in');
      return session(role_now, role_now === 'operator' ? KEY : 'viewer');
    }
    const { key, secret, password } = await body_of(request);
    if (--this.tries_left < 0) throw new Refused(429, 'too many tries', { 'Retry-After': '30' });
    const role = (key === KEY && secret === SECRET) || password === kOperatorPassword ? 'operator' : password === kViewerPassword ? 'viewer' : undefined;
    if (!role) throw new Refused(401, kWrong);
    this.signed_out = false;
    cookie(role);
    return session(role, role === 'operator' ? KEY : 'viewer');
  }

  #read(name, params) {
    const page = (list, from = Number(params.offset ?? 0)) => list.slice(from, from + Math.min(2000, Number(params.limit ?? 100)));
    switch (name) {
      case 'overview': return overview_of(this.rooms);
      case 'rooms': return this.#list(params, page);
      case 'room': return this.#room(params);
      case 'history': return history_of(Number(params.from), Number(params.to), Number(params.points));
      case 'sessions': {
        const found = this.sessions.filter((one) => one.room === (params.room ?? one.room) && one.identity === (params.identity ?? one.identity)
          && one.joined_at >= Number(params.from ?? 0) && one.joined_at <= Number(params.to ?? Infinity));
        return { total: found.length, sessions: page(found) };
      }
      case 'events': {
        const found = this.events.filter((one) => (!params.kind || one.kind === params.kind) && one.at < Number(params.before ?? Infinity));
        return { events: found.slice(0, Number(params.limit ?? 100)), kinds: [...new Set(this.events.map((one) => one.kind))] };
      }
      case 'webhooks': return { deliveries: this.deliveries.slice(0, Number(params.limit)) };
      case 'config': return { options: kOptions };
      default: throw new Refused(404, `there is no ${name}`);
    }
  }

  #list({ search = '', sort = 'name', order = 'asc' }, page) {
    if (this.churn) this.#change();
    const rows = [...this.rooms].map(row_of).filter((row) => row.name.toLowerCase().includes(search.toLowerCase()));
    const sign = order === 'desc' ? -1 : 1;
    rows.sort((a, b) => sign * (a[sort] > b[sort] ? 1 : a[sort] < b[sort] ? -1 : 0) || (a.name < b.name ? -1 : 1));
    return { total: rows.length, rooms: page(rows) };
  }

  // Everybody's tracks change: no row is as it was.
  #change() {
    const now = Date.now();
    for (const room of this.rooms.values()) {
      room.created_at = now - Math.floor(Math.random() * 3_600_000);
      room.metadata = String(Math.random());
    }
  }

  #room({ name, tenant }) {
    const room = this.rooms.get(name);
    if (!room || room.tenant !== tenant) throw new Refused(404, 'this room is not there');
    return detail_of([name, room]);
  }

  #act(name, body, tenant) {
    if (name === 'webhooks/replay') {
      const delivery = this.deliveries.find((one) => one.id === body.id && one.url === body.url);
      if (!delivery) throw new Refused(404, 'this delivery is not kept any more');
      Object.assign(delivery, { status: 'delivered', error: '', attempts: delivery.attempts + 1 });
      return {};
    }
    const method = name.replace(/^call\//, '');
    this.calls.push({ method, body });
    this.events.unshift({ at: Date.now(), kind: 'action', text: method, room: body.room, identity: body.identity ?? '', who: KEY });
    const room = this.rooms.get(body.room);
    if (!room || room.tenant !== tenant) throw new Refused(404, 'requested room does not exist');
    const person = room.people.find((one) => one.identity === body.identity);
    if (method.endsWith('/DeleteRoom')) this.rooms.delete(body.room);
    if (method.endsWith('/RemoveParticipant')) room.people = room.people.filter((one) => one !== person);
    if (method.endsWith('/MutePublishedTrack')) person.tracks.find((one) => one.sid === body.track_sid).muted = body.muted;
    if (method.endsWith('/UpdateRoomMetadata')) room.metadata = body.metadata;
    if (method.endsWith('/UpdateParticipant')) this.#update(person, body);
    return {};
  }

  #update(person, { name, metadata, attributes, permission }) {
    Object.assign(person, { ...(name && { name }), ...(metadata && { metadata }), ...(permission && { permission }) });
    Object.assign(person.attributes, attributes);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const mock = await MockServer.start(undefined, Number(process.argv[2] ?? 7880));
  mock.rooms = make_rooms(2000, 5);
  console.log(`${mock.http}/console/ – key ${KEY}, secret ${SECRET}; passwords ${kOperatorPassword}, ${kViewerPassword}`);
}
