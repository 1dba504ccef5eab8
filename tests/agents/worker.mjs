// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// An agent worker without an agent: a socket on /agent that keeps what it is told and answers offers
// as a check wants.

import { ParticipantPermission, ServerMessage, WorkerMessage } from '@livekit/protocol';
import { AccessToken, AgentDispatchClient, RoomServiceClient } from 'livekit-server-sdk';

import { kBinary, kText, open_websocket } from '../lib/raw_websocket.mjs';
import { KEY, SECRET } from '../lib/server.mjs';
import { until } from '../lib/wait.mjs';

export const dispatch_client = (server) => new AgentDispatchClient(server.http, KEY, SECRET);
export const room_client = (server) => new RoomServiceClient(server.http, KEY, SECRET);

let count = 0;
export const fresh_name = (stem) => `${stem}-${(count += 1)}`;

export async function worker_token({ grant = { agent: true }, key = KEY, secret = SECRET } = {}) {
  const token = new AccessToken(key, secret, { identity: 'worker', ttl: 600 });
  token.addGrant(grant);
  return token.toJwt();
}

// The reply to an upgrade of /agent, with `ws` when it was let in.
export async function ask(server, { path = '/agent', token, headers = {}, query = '' } = {}) {
  const bearer = token ?? (await worker_token());
  const auth = bearer === '' ? {} : { Authorization: `Bearer ${bearer}` };
  return open_websocket({ port: server.ports.http, path: path + query, headers: { ...auth, ...headers } });
}

const accept = (job) => ({ available: true, participantIdentity: `agent-${job.id}`, participantName: 'The Agent' });

// Workers of the check that runs; none of them is to get the jobs of the next one.
let of_check = [];

export function check(suite, name, action, options) {
  of_check = [];
  return suite
    .check(name, action, options)
    .finally(() => of_check.forEach((worker) => worker.stop()));
}

export class Worker {
  told = []; // messages in order
  texts = []; // text frames
  jobs = new Map(); // assigned, by id: {job, token}
  offers = []; // jobs offered
  ended = []; // ids of jobs it was told to end
  answer = accept; // what it says to an offer; undefined: nothing

  constructor(ws) {
    this.ws = ws;
    ws.on_frame = ({ opcode, payload }) => {
      if (opcode === kText) this.texts.push(payload.toString());
      if (opcode === kBinary) this.#take(ServerMessage.fromBinary(payload).message);
    };
  }

  // Registered when it returns. `register`: type, agentName, namespace, deployment …
  static async start(suite, server, register = {}, settings = {}) {
    const worker = await Worker.connect(suite, server, settings);
    if ('answer' in settings) worker.answer = settings.answer;
    worker.say('register', { version: 'test', ...register });
    await until(() => worker.id, { what: 'the answer to a registration' });
    return worker;
  }

  static async connect(suite, server, settings = {}) {
    const reply = await ask(server, settings);
    if (!reply.ws) throw new Error(`/agent answered ${reply.status} ${reply.body}`);
    suite.cleanup(() => reply.ws.destroy());
    const worker = new Worker(reply.ws);
    of_check.push(worker);
    return worker;
  }

  get id() {
    return this.told.find((one) => one.case === 'register')?.value.workerId;
  }

  say(kind, value) {
    return this.ws.send(kBinary, new WorkerMessage({ message: { case: kind, value } }).toBinary());
  }

  #take(message) {
    this.told.push(message);
    if (message.case === 'availability') this.#offered(message.value.job);
    if (message.case === 'assignment') this.jobs.set(message.value.job.id, message.value);
    if (message.case === 'termination') this.ended.push(message.value.jobId);
  }

  #offered(job) {
    this.offers.push(job);
    const answer = this.answer?.(job);
    if (answer) void this.say('availability', { jobId: job.id, ...answer });
  }

  offers_of(room) {
    return this.offers.filter((job) => job.room.name === room);
  }

  jobs_of(room) {
    return [...this.jobs.values()].filter(({ job }) => job.room.name === room);
  }

  // The assignment of a job in that room.
  assigned(room, { type, timeout = 10000 } = {}) {
    const mine = () => this.jobs_of(room).find(({ job }) => type === undefined || job.type === type);
    return until(mine, { timeout, what: () => `a job in ${room}; offered: ${this.offers_of(room).length}` });
  }

  stop() {
    this.ws.destroy();
  }
}

export const decoded = (token) => JSON.parse(Buffer.from(token.split('.')[1], 'base64url').toString());

// All dispatches of a room as the API lists them.
export const dispatches = (server, room) => dispatch_client(server).listDispatch(room);

// The states of all jobs that the API lists in a room.
export async function states(server, room) {
  return (await dispatches(server, room)).flatMap((one) => one.state.jobs.map((job) => job.state));
}

export const kPermissions = (values) => new ParticipantPermission(values);
