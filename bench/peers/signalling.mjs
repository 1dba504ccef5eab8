// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// LiveKit's signalling as far as the clients of the call benchmark use it (01 SIG-01…03, SIG-80…87):
// one room, two connections each, the second of which is offered once there is something to send.
// Tokens are read, not checked: whoever reaches 127.0.0.1 may come in.
//
// The server behind it has
//   join(participant)               its own state, kept for the participant
//   publish(state, offer, tracks)   → { answer, published }: SDP, and a promise of what others can
//                                   subscribe to
//   subscribe(state, published)     → the SDP of an offer with what is new to the participant
//   answered(state, answer)         the participant's SDP for that
//   trickle(state, publisher, candidate)
//   leave(state)

import http from 'node:http';
import { createRequire } from 'node:module';

const require = createRequire(new URL('../../tests/package.json', import.meta.url));
const { JoinResponse, SignalRequest, SignalResponse, TrackInfo } = require('@livekit/protocol');
const { WebSocketServer } = require('ws');

const kPingSeconds = 10;
const kPingTimeoutSeconds = 60;
const kProtocol = 15;

const identity_of = (token) => JSON.parse(Buffer.from(token.split('.')[1], 'base64url').toString()).sub;

class Participant {
  #socket;
  #room;
  #tail = Promise.resolve(); // what is being done for it: one thing after the other
  #tracks = new Map(); // announced, by cid
  #unsent = []; // that it has not been offered
  #offering = false; // until its answer has come
  #offers = 0;

  constructor(socket, room, identity, subscribes) {
    this.#socket = socket;
    this.#room = room;
    this.identity = identity;
    this.sid = `PA_${identity}`;
    this.subscribes = subscribes;
    this.state = room.server.join(this);
    socket.on('message', (data) => this.#then(() => this.#take(SignalRequest.fromBinary(data).message)));
    socket.on('close', () => this.#then(() => this.#leave()));
  }

  // Something new that others publish.
  offer(published) {
    if (!this.subscribes) return;
    this.#unsent.push(...published);
    this.#then(() => this.#offer());
  }
  send(kind, value) {
    const message = new SignalResponse({ message: { case: kind, value } });
    if (this.#socket.readyState === this.#socket.OPEN) this.#socket.send(message.toBinary());
  }

  #then(work) {
    this.#tail = this.#tail.then(work).catch((error) => this.#fail(error));
  }
  #fail(error) {
    process.stderr.write(`${this.identity}: ${error.stack ?? error}\n`);
    this.#socket.close();
  }
  #leave() {
    this.#room.participants.delete(this);
    return this.#room.server.leave(this.state);
  }

  #take({ case: kind, value }) {
    switch (kind) {
      case 'addTrack':
        return this.#announce(value);
      case 'offer':
        return this.#answer(value);
      case 'answer':
        return this.#answered(value);
      case 'trickle':
        return this.#room.server.trickle(this.state, value.target === 0, JSON.parse(value.candidateInit));
      case 'pingReq':
        return this.send('pongResp', { lastPingTimestamp: value.timestamp, timestamp: BigInt(Date.now()) });
      case 'leave':
        return this.#socket.close();
      default: // nothing that media needs
        return undefined;
    }
  }
  #announce({ cid, name, type, source }) {
    const track = new TrackInfo({ sid: `TR_${this.identity}_${cid}`, name, type, source });
    this.#tracks.set(cid, track);
    this.send('trackPublished', { cid, track });
  }
  async #answer(offer) {
    const { answer, published } = await this.#room.server.publish(this.state, offer.sdp, this.#tracks);
    this.send('answer', { type: 'answer', sdp: answer, id: offer.id });
    published.then((news) => this.#room.publish(this, news)).catch((error) => this.#fail(error));
  }

  // One at a time; what comes meanwhile goes into the next.
  async #offer() {
    if (this.#offering || this.#unsent.length === 0) return;
    this.#offering = true;
    const sdp = await this.#room.server.subscribe(this.state, this.#unsent.splice(0));
    this.#offers += 1;
    this.send('offer', { type: 'offer', sdp, id: this.#offers });
  }
  async #answered(answer) {
    await this.#room.server.answered(this.state, answer.sdp);
    this.#offering = false;
    await this.#offer();
  }
}

class Room {
  participants = new Set();
  published = [];

  constructor(server) {
    this.server = server;
  }
  join(participant) {
    const { identity, sid } = participant;
    this.participants.add(participant);
    participant.send(
      'join',
      new JoinResponse({
        room: { sid: 'RM_call', name: 'call' },
        participant: { sid, identity, state: 2 },
        serverInfo: { protocol: kProtocol },
        subscriberPrimary: participant.subscribes,
        pingInterval: kPingSeconds,
        pingTimeout: kPingTimeoutSeconds,
      }),
    );
    if (this.published.length > 0) participant.offer(this.published);
  }
  publish(publisher, published) {
    if (published.length === 0) return;
    this.published.push(...published);
    for (const one of this.participants) if (one !== publisher) one.offer(published);
  }
}

export class SignallingServer {
  #room;
  #http = http.createServer((_, response) => response.writeHead(404).end());
  #sockets = new WebSocketServer({ noServer: true });

  constructor(server) {
    this.#room = new Room(server);
    this.#http.on('upgrade', (request, socket, head) => this.#upgrade(request, socket, head));
  }
  listen(port) {
    return new Promise((resolve, reject) => {
      this.#http.once('error', reject);
      this.#http.listen(port, '127.0.0.1', resolve);
    });
  }

  #upgrade(request, socket, head) {
    const url = new URL(request.url, 'http://127.0.0.1');
    if (url.pathname !== '/rtc') {
      socket.end('HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n');
      return;
    }
    const identity = identity_of(url.searchParams.get('access_token'));
    const subscribes = url.searchParams.get('auto_subscribe') !== '0';
    this.#sockets.handleUpgrade(request, socket, head, (ws) => {
      this.#room.join(new Participant(ws, this.#room, identity, subscribes));
    });
  }
}
