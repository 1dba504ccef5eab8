// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// A certificate authority that speaks ACME (RFC 8555) and is strict about it: nonces are good once,
// signatures are verified, challenges looked at over HTTP (§8.3) and TLS (RFC 8737), requests held to the
// order's names. What it is told to, it refuses.

import { createHash, createPublicKey, randomBytes, verify } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import path from 'node:path';
import tls from 'node:tls';

import { assert } from './suite.mjs';

const kAcmeExtension = Buffer.from('06082b0601050507011f', 'hex'); // id-pe-acmeIdentifier
const base64url = (bytes) => Buffer.from(bytes).toString('base64url');
const problem = (type, detail, status = 400, headers = {}) => ({ problem: type, detail, status, headers });

// As RFC 7638 §3.1 has it.
const thumbprint = ({ crv, kty, x, y }) => base64url(createHash('sha256').update(JSON.stringify({ crv, kty, x, y })).digest());

function looked_at_over_http({ domain, token, expected, port }) {
  return new Promise((resolve) => {
    const asked = http.get({ host: domain, port, path: `/.well-known/acme-challenge/${token}`, headers: { Host: domain }, timeout: 5000 }, (reply) => {
      let body = '';
      reply.on('data', (text) => (body += text)).on('end', () => resolve(body === expected && reply.statusCode === 200 ? undefined : `got ${reply.statusCode} "${body.slice(0, 80)}"`));
    });
    asked.on('error', (error) => resolve(error.message)).on('timeout', () => asked.destroy(new Error('timed out')));
  });
}

function looked_at_over_tls({ domain, expected, port }) {
  return new Promise((resolve) => {
    const socket = tls.connect({ host: domain, port, servername: domain, ALPNProtocols: ['acme-tls/1'], rejectUnauthorized: false, timeout: 5000 }, () => {
      const { raw, subjectaltname } = socket.getPeerCertificate();
      const digest = createHash('sha256').update(expected).digest();
      // OID, critical, OCTET STRING of an OCTET STRING of the digest.
      const extension = Buffer.concat([kAcmeExtension, Buffer.from('0101ff04220420', 'hex'), digest]);
      const fault = socket.alpnProtocol !== 'acme-tls/1' ? `ALPN is ${socket.alpnProtocol}`
        : subjectaltname !== `DNS:${domain}` ? `names are ${subjectaltname}`
          : !raw.includes(extension) ? 'no digest of the key authorization' : undefined;
      socket.destroy();
      resolve(fault);
    });
    socket.on('error', (error) => resolve(error.message)).on('timeout', () => socket.destroy(new Error('timed out')));
  });
}

export class AcmeServer {
  faults = []; // each a function (kind, payload) → problem or undefined, asked in turn until it gives one
  requests = []; // kinds, in order
  challenged = []; // {kind, domain, fault}
  accounts = new Map(); // URL → jwk
  orders = new Map();
  issued = 0;
  life = {}; // of certificates, as Authority.sign takes it
  #nonces = new Set();
  #next = 1;

  // `folder` is its own; `sign(file of a CSR, life)` gives a certificate; `ports` are those that it looks at.
  static async start(suite, { authority, folder, host = 'authority.test', ports = { http: 80, tls: 443 } }) {
    const { cert, key } = authority.issue([host]);
    const server = new AcmeServer();
    Object.assign(server, { authority, folder, host, ports, tls: { cert, key } });
    await server.open(0);
    suite.cleanup(() => server.close());
    return server;
  }

  async open(port) {
    this.server = https.createServer(this.tls, (request, response) => void this.#serve(request, response));
    await new Promise((resolve) => this.server.listen(port, resolve));
    this.port = this.server.address().port;
  }

  // Nobody answers any more; open(port) ends that.
  close() {
    this.server.closeAllConnections?.();
    return new Promise((resolve) => this.server.close(resolve));
  }

  get directory() {
    return this.#url('directory');
  }

  #url(...parts) {
    return `https://${this.host}:${this.port}/${parts.join('/')}`;
  }

  #nonce() {
    const nonce = base64url(randomBytes(16));
    this.#nonces.add(nonce);
    return nonce;
  }

  async #serve(request, response) {
    let body = '';
    for await (const text of request) body += text;
    const [kind, id] = request.url.slice(1).split('/');
    let answer;
    try {
      answer = await this.#answer(request, kind, id, body);
    } catch (error) {
      answer = problem('malformed', error.message);
    }
    const { problem: type, detail, status = 200, headers = {}, json, text } = answer;
    const fault = type && JSON.stringify({ type: `urn:ietf:params:acme:error:${type}`, detail, status });
    response.writeHead(status, { 'Replay-Nonce': this.#nonce(), 'Content-Type': type ? 'application/problem+json' : 'application/json', ...headers });
    response.end(fault ?? text ?? (json ? JSON.stringify(json) : ''));
  }

  async #answer(request, kind, id, body) {
    if (!/^confab\//.test(request.headers['user-agent'] ?? '')) return problem('malformed', 'no User-Agent (RFC 8555 §6.1)');
    if (request.method === 'GET' && kind === 'directory') {
      const fault = this.#fault(kind);
      return fault ?? { json: { newNonce: this.#url('nonce'), newAccount: this.#url('account'), newOrder: this.#url('order') } };
    }
    if (kind === 'nonce') return {};
    if (request.method !== 'POST' || request.headers['content-type'] !== 'application/jose+json') return problem('malformed', 'no JWS', 415);
    const { head, payload, jwk } = this.#opened(request.url, body);
    if (head.problem) return head;
    const fault = this.#fault(kind, payload);
    if (fault) return fault;
    this.requests.push(kind);
    return this.#handle(kind, id, payload, jwk);
  }

  #fault(kind, payload) {
    for (const one of this.faults) {
      const found = one(kind, payload);
      if (found) return found;
    }
    return undefined;
  }

  // The JWS, verified.
  #opened(target, body) {
    const { protected: first, payload, signature } = JSON.parse(body);
    const head = JSON.parse(Buffer.from(first, 'base64url'));
    if (!this.#nonces.delete(head.nonce)) return { head: problem('badNonce', 'not of ours, or used') };
    assert.equal(head.alg, 'ES256');
    assert.equal(head.url, `https://${this.host}:${this.port}${target}`);
    assert.ok(Boolean(head.jwk) !== Boolean(head.kid), 'either jwk or kid');
    assert.equal(Boolean(head.jwk), target === '/account');
    const jwk = head.jwk ?? this.accounts.get(head.kid);
    if (!jwk) return { head: problem('accountDoesNotExist', 'who is that?') };
    const key = createPublicKey({ key: jwk, format: 'jwk' });
    assert.ok(verify('sha256', Buffer.from(`${first}.${payload}`), { key, dsaEncoding: 'ieee-p1363' }, Buffer.from(signature, 'base64url')), 'the signature');
    return { head, jwk, payload: payload === '' ? undefined : JSON.parse(Buffer.from(payload, 'base64url')) };
  }

  #handle(kind, id, payload, jwk) {
    switch (kind) {
      case 'account': return this.#account(payload, jwk);
      case 'order': return id ? this.#shown(id) : this.#order(payload, jwk);
      case 'authorization': return this.#authorization(id);
      case 'challenge': return this.#challenge(id, payload);
      case 'finalize': return this.#finalize(id, payload);
      case 'certificate': return { text: this.orders.get(id).certificate };
      default: return problem('malformed', `no ${kind}`, 404);
    }
  }

  #account(payload, jwk) {
    assert.equal(payload.termsOfServiceAgreed, true);
    this.contact = payload.contact;
    for (const [url, known] of this.accounts) if (thumbprint(known) === thumbprint(jwk)) return { json: { status: 'valid' }, headers: { Location: url } };
    const url = this.#url('account', this.#next++);
    this.accounts.set(url, jwk);
    return { status: 201, json: { status: 'valid' }, headers: { Location: url } };
  }

  #order(payload, jwk) {
    const id = String(this.#next++);
    const names = payload.identifiers.map(({ type, value }) => (assert.equal(type, 'dns'), value));
    const authorizations = names.map((domain) => ({ id: `${id}-${domain}`, domain, status: 'pending', token: base64url(randomBytes(24)) }));
    this.orders.set(id, { id, names, authorizations, jwk, status: 'pending' });
    return { status: 201, json: this.#json(id), headers: { Location: this.#url('order', id) } };
  }

  #json(id) {
    const order = this.orders.get(id);
    if (order.status === 'pending' && order.authorizations.every(({ status }) => status === 'valid')) order.status = 'ready';
    return {
      status: order.status,
      identifiers: order.names.map((value) => ({ type: 'dns', value })),
      authorizations: order.authorizations.map((one) => this.#url('authorization', one.id)),
      finalize: this.#url('finalize', id),
      ...(order.certificate && { certificate: this.#url('certificate', id) }),
    };
  }

  #shown(id) {
    const order = this.orders.get(id);
    if (order.status === 'processing' && --order.rounds <= 0) order.status = 'valid';
    return { json: this.#json(id), headers: { 'Retry-After': '1' } };
  }

  #authorization_of(id) {
    const [order] = id.split('-', 1);
    return { order: this.orders.get(order), authorization: this.orders.get(order).authorizations.find((one) => one.id === id) };
  }

  #authorization(id) {
    const { authorization: { domain, status, token, fault } } = this.#authorization_of(id);
    const challenges = ['http-01', 'dns-01', 'tls-alpn-01'].map((type) => ({
      type, url: this.#url('challenge', `${id}:${type}`), token, status, ...(fault && { error: { type: 'urn:ietf:params:acme:error:connection', detail: fault } }),
    }));
    return { json: { status, identifier: { type: 'dns', value: domain }, challenges } };
  }

  #challenge(target, payload) {
    assert.deepEqual(payload, {});
    const [id, kind] = target.split(':');
    const { order, authorization } = this.#authorization_of(id);
    const { domain, token } = authorization;
    const expected = `${token}.${thumbprint(order.jwk)}`;
    const look = kind === 'http-01' ? looked_at_over_http({ domain, token, expected, port: this.ports.http }) : looked_at_over_tls({ domain, expected, port: this.ports.tls });
    void look.then((fault) => {
      this.challenged.push({ kind, domain, fault });
      Object.assign(authorization, { status: fault ? 'invalid' : 'valid', fault });
      if (fault) order.status = 'invalid';
    });
    return { json: { type: kind, url: this.#url('challenge', target), token, status: 'processing' } };
  }

  #finalize(id, { csr }) {
    const order = this.orders.get(id);
    this.#json(id);
    if (order.status !== 'ready') return problem('orderNotReady', `it is ${order.status}`, 403);
    const file = path.join(this.folder, `${id}.csr`);
    const pem = Buffer.from(csr, 'base64url').toString('base64').replace(/.{1,64}/g, '$&\n');
    fs.writeFileSync(file, `-----BEGIN CERTIFICATE REQUEST-----\n${pem}-----END CERTIFICATE REQUEST-----\n`);
    const shown = execFileSync('openssl', ['req', '-in', file, '-noout', '-text', '-verify'], { encoding: 'utf8', stdio: 'pipe' });
    const names = [...shown.matchAll(/DNS:([^,\s]+)/g)].map(([, name]) => name).sort();
    if (names.join() !== [...order.names].sort().join()) return problem('badCSR', `names ${names}`);
    order.certificate = this.authority.sign(file, this.life);
    order.status = 'processing';
    order.rounds = 2;
    this.issued += 1;
    return { json: this.#json(id), headers: { 'Retry-After': '1' } };
  }
}
