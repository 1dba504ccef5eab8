// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// DTLS and SRTP: who greets whom and with what, certificates that do not fit, handshakes under loss,
// packets that come twice, late or changed, and numbers that wrap.

import { createHash, randomBytes, X509Certificate } from 'node:crypto';

import { LeaveRequest_Action, SignalTarget } from '@livekit/protocol';
import { RTCDtlsTransport } from 'werift';

import { is_media, is_rtcp, MediaProxy } from '../lib/media_proxy.mjs';
import { Scrape } from '../lib/metrics.mjs';
import { start_server } from '../lib/server.mjs';
import { binding_success, parse_stun } from '../lib/stun.mjs';
import { assert } from '../lib/suite.mjs';
import { sleep, until } from '../lib/wait.mjs';
import { fresh_room } from './client.mjs';
import { hello_of, make_hello, messages_of } from './dtls_messages.mjs';
import { MediaClient, more } from './media.mjs';
import { dtls_of, is_dtls, RawPath } from './raw_path.mjs';

const { PUBLISHER, SUBSCRIBER } = SignalTarget;
const kSuites = [0xc02b, 0xc02f, 0xcca9, 0xcca8, 0xc00a, 0xc014, 0xc02c, 0xc030];
const kGroups = [29, 24, 23];
const kProfiles = [7, 8, 1]; // the short keys first: they cost less
const kExtendedMasterSecret = 23;
const kClientHello = 1;
const kServerHello = 2;
const kHelloVerify = 3;
const kCertificateRequest = 13;

// A client whose datagrams go through a proxy: {proxy, join}.
async function behind_proxy(suite, server) {
  const proxy = await MediaProxy.start(suite, server);
  const through = { ports: { ...server.ports, http: Number(new URL(proxy.ws).port) } };
  return { proxy, join: (room, identity, settings) => MediaClient.join(suite, through, room, identity, settings) };
}

async function handshake_check(suite, server) {
  await suite.check('publishers are greeted, subscribers greet: suites, groups and SRTP profiles in our order, a certificate is asked for [DTLS-01] [DTLS-02] [DTLS-06] [DTLS-13] [MC-04]', async () => {
    const { proxy, join } = await behind_proxy(suite, server);
    const seen = { up: [], down: [] };
    const longest = { up: 0, down: 0 };
    const note = (way) => (bytes) => {
      if (is_dtls(bytes)) seen[way].push(...messages_of(bytes));
      if (is_dtls(bytes)) longest[way] = Math.max(longest[way], bytes.length);
      return true;
    };
    proxy.to_server = note('up');
    proxy.to_client = note('down');
    const room = fresh_room('secure');
    const alice = await join(room, 'alice');
    const of = (way, type) => seen[way].filter((one) => one.type === type);
    assert.equal(of('down', kClientHello).length, 0, 'the server greets a subscriber');
    assert.match(alice.client.all('offer')[0].sdp, /^a=setup:actpass\r$/m);
    assert.equal(alice.connection(SUBSCRIBER).dtlsTransports[0].role, 'client');
    assert.ok(of('down', kServerHello).length > 0);
    // Its checks have shown where it is: it need not say hello twice.
    assert.equal(of('down', kHelloVerify).length, 0);
    const chosen = hello_of(of('down', kServerHello)[0].body);
    assert.ok(chosen.extensions.has(kExtendedMasterSecret));
    assert.equal(of('down', kCertificateRequest).length > 0, true);

    const before = of('up', kClientHello).length;
    await alice.publish('audio');
    assert.match(alice.client.all('answer').at(-1).sdp, /^a=setup:active\r$/m);
    assert.equal(alice.connection(PUBLISHER).dtlsTransports[0].role, 'server');
    assert.equal(of('up', kClientHello).length, before, 'the publisher greets as well');
    const hello = hello_of(of('down', kClientHello)[0].body);
    assert.equal(hello.version, 0xfefd);
    assert.deepEqual(hello.suites.filter((one) => one !== 0x00ff), kSuites);
    assert.deepEqual(hello.groups, kGroups);
    assert.deepEqual(hello.profiles, kProfiles.filter((one) => hello.profiles.includes(one)));
    assert.ok(hello.profiles.includes(8) && hello.profiles.includes(7));
    assert.ok(hello.extensions.has(kExtendedMasterSecret));
    assert.ok(longest.down <= 1200, `${longest.down} octets`);
  });

  await suite.check('of what a subscriber can the server takes its own first; without anything in common, or with DTLS 1.0, the handshake ends the session [DTLS-02] [DTLS-06]', async () => {
    const chosen = async (options) => {
      const path = await RawPath.subscriber(suite, server, fresh_room('secure'), 'bob');
      const end = await path.open();
      end.on_message = (bytes) => parse_stun(bytes)?.type === 1 && end.send(binding_success(bytes, path.address, path.local.pwd));
      path.trickle(end.address);
      await until(() => end.got.some(({ bytes }) => parse_stun(bytes)?.attributes.has(0x25)), { what: 'a nomination' });
      await path.client.fence();
      end.send(make_hello(options));
      const messages = () => dtls_of(end).flatMap(({ bytes }) => messages_of(bytes));
      if (options.refused) {
        const { leave } = await path.client.ended();
        assert.equal(leave.action, LeaveRequest_Action.RECONNECT);
      } else {
        await until(() => messages().some((one) => one.type === kServerHello), { what: 'a ServerHello' });
      }
      const found = messages().find((one) => one.type === kServerHello);
      end.close();
      return found && hello_of(found.body);
    };
    const reversed = await chosen({ suites: [...kSuites].reverse(), profiles: [1, 7, 8] });
    assert.deepEqual([reversed.suites, reversed.profiles, reversed.version], [[0xc02b], [7], 0xfefd]);
    const few = await chosen({ suites: [0xc00a, 0xcca9], profiles: [1, 8] });
    assert.deepEqual([few.suites, few.profiles], [[0xcca9], [8]]);
    assert.equal(await chosen({ suites: [0x002f, 0x0035], profiles: [7], refused: true }), undefined, 'RSA key exchange');
    assert.equal(await chosen({ suites: kSuites, profiles: [7], version: 0xfeff, refused: true }), undefined, 'DTLS 1.0');
  });
}

async function retransmission_check(suite, server) {
  await suite.check('a hello that nobody answers is repeated after 100 ms, then ever later [DTLS-04]', async () => {
    const path = await RawPath.publisher(suite, server, fresh_room('secure'), 'alice', { v1: true });
    const end = await path.open();
    end.on_message = (bytes) => parse_stun(bytes)?.type === 1 && end.send(binding_success(bytes, path.address, path.local.pwd));
    path.trickle(end.address);
    end.send(path.check({ nominate: true }));
    const times = () => dtls_of(end).map((one) => one.at);
    // After 100, 200, 400 and 800 ms, seen from a busy machine: the last of these is told from the others.
    const longest = () => times().findIndex((at, index) => index > 0 && at - times()[index - 1] > 600);
    await until(() => longest() > 0, { what: 'the fourth repetition' });
    const third = longest() - 1;
    const took = times()[third] - times()[0];
    assert.ok(third >= 3 && took > 400 && took < 1300, `${times().map((at) => at - times()[0])}`);
  });
}

const certificate = () => new X509Certificate(RTCDtlsTransport.localCertificate.certPem).raw;
const hex_of = (hash) => createHash(hash).update(certificate()).digest('hex').match(/../g).join(':');
const fingerprint = (line) => (sdp) => sdp.replace(/^a=fingerprint:.*(?=\r$)/gm, () => `a=fingerprint:${line()}`);

async function certificate_check(suite, server) {
  await suite.check('a certificate has to be the one of the description, whichever hash that has; else a full reconnect at once [DTLS-03] [DTLS-13] [MC-04]', async () => {
    const room = fresh_room('secure');
    const bob = await MediaClient.join(suite, server, room, 'bob');
    const hashes = {
      lower: fingerprint(() => `sha-256 ${hex_of('sha256')}`),
      384: fingerprint(() => `sha-384 ${hex_of('sha384').toUpperCase()}`),
      512: fingerprint(() => `SHA-512 ${hex_of('sha512').toUpperCase()}`),
    };
    for (const [identity, rewrite] of Object.entries(hashes)) {
      const peer = await MediaClient.join(suite, server, room, identity, { rewrite });
      await peer.publish('audio');
      await more(bob, 'audio', 5);
      assert.match(peer.client.all('offer')[0].sdp, /^a=fingerprint:sha-256 ([0-9A-F]{2}:){31}[0-9A-F]{2}\r$/m);
      await peer.close();
    }
    const wrong = fingerprint(() => `sha-256 ${randomBytes(32).toString('hex').toUpperCase().match(/../g).join(':')}`);
    const mallory = await MediaClient.join(suite, server, room, 'mallory', { rewrite: wrong, silent: true });
    await mallory.answer(await mallory.client.told('offer'));
    const { code, leave } = await mallory.client.ended({ seconds: 5 });
    assert.deepEqual([code, leave?.action, leave?.reason], [1000, LeaveRequest_Action.RECONNECT, 6]);
    const shown = new X509Certificate(bob.connection(SUBSCRIBER).dtlsTransports[0].dtls.remoteCertificate);
    assert.equal(shown.subject, shown.issuer);
    assert.deepEqual([shown.publicKey.asymmetricKeyType, shown.publicKey.asymmetricKeyDetails.namedCurve], ['ec', 'prime256v1']);
    const told = /^a=fingerprint:sha-256 (\S+)\r$/m.exec(bob.client.all('offer')[0].sdp)[1];
    assert.equal(shown.fingerprint256, told);
  });
}

// One alert, encrypted: 1 is a warning, 0 close_notify.
async function send_alert(connection, alert) {
  const { dtls } = connection.dtlsTransports[0];
  const { cipher } = dtls;
  const encrypt = cipher.encryptPacket;
  cipher.encryptPacket = (packet) => {
    packet.recordLayerHeader.contentType = 21;
    return encrypt.call(cipher, packet);
  };
  await dtls.send(Buffer.from(alert));
  cipher.encryptPacket = encrypt;
}

async function close_check(suite, server) {
  await suite.check('close_notify of a client ends nothing: media and data go on both ways [DTLS-05]', async () => {
    const room = fresh_room('secure');
    const peers = [];
    for (const identity of ['alice', 'bob']) peers.push(await MediaClient.join(suite, server, room, identity));
    const [alice, bob] = peers;
    await alice.publish('audio');
    await more(bob, 'audio');
    await send_alert(alice.connection(PUBLISHER), [1, 0]);
    await send_alert(bob.connection(SUBSCRIBER), [1, 0]);
    await more(bob, 'audio', 50);
    await alice.client.fence(bob.client);
    for (const { client } of peers) assert.equal(client.all('leave').length, 0);
  });
}

// Packets of `sender` as `receiver` decrypts them: {sequence, text}.
function listen(receiver, target = SUBSCRIBER) {
  const heard = [];
  receiver.connection(target).dtlsTransports[0].onRtp.subscribe(({ header, payload }) => heard.push({ header, text: payload.toString() }));
  return heard;
}

const numbered = () => {
  let count = 0;
  return () => ({ payload: Buffer.from(`frame ${(count += 1)} of alice`), marker: true });
};

async function srtp_checks(suite) {
  // Its failures are counted: nobody else's may be among them.
  const server = await start_server(suite);
  const failures = async () => (await Scrape.of(server)).value('confab_srtp_failures_total');

  await suite.check('SRTP: sequence numbers wrap both ways, also where packets are lost; no number is used for other octets [SRTP-03] [TRAP-14] [MC-05]', async () => {
    const up = await behind_proxy(suite, server);
    const down = await behind_proxy(suite, server);
    const room = fresh_room('secure');
    const alice = await up.join(room, 'alice');
    const bob = await down.join(room, 'bob');
    const sent = new Map(); // ssrc and number → octets
    let lost = 0;
    let behind = 0;
    const around = (bytes) => [65534, 65535, 0, 1, 2].includes(bytes.readUInt16BE(2));
    up.proxy.to_server = (bytes) => !is_media(bytes) || is_rtcp(bytes) || !around(bytes);
    down.proxy.to_client = (bytes) => {
      if (!is_media(bytes) || is_rtcp(bytes)) return true;
      const key = `${bytes.readUInt32BE(8)} ${bytes.readUInt16BE(2)}`;
      const octets = bytes.toString('hex');
      assert.equal(sent.get(key) ?? octets, octets, `other octets under ${key}`);
      sent.set(key, octets);
      if (bytes.readUInt16BE(2) < 1000) behind += 1;
      // A part is lost for good, another comes with the next request.
      return bytes.readUInt16BE(2) % 9 !== 0 || (lost += 1) % 2 === 0;
    };
    // Where the subscription begins behind 64,512 its numbers begin elsewhere.
    await alice.publish('video', { first: 63500, every: 3 });
    const heard = listen(bob);
    await until(() => behind > 200, { timeout: 20000, what: 'packets behind the wrap' });
    await more(bob, 'video', 100);
    assert.ok(lost > 50, `${lost}`);
    const numbers = heard.map(({ header }) => header.sequenceNumber);
    assert.ok(numbers.some((one) => one > 65000) && numbers.some((one) => one > 100 && one < 1000), 'not both sides of the wrap');
    assert.equal(await failures(), 0);
    assert.deepEqual(bob.errors, []);
  }, { seconds: 40 });

  await suite.check('SRTP: packets that come twice or late are no failures and are forwarded once; changed ones are dropped [SRTP-01] [SRTP-02] [SRTP-04] [MC-05]', async () => {
    const { proxy, join } = await behind_proxy(suite, server);
    const room = fresh_room('secure');
    const alice = await join(room, 'alice');
    const bob = await MediaClient.join(suite, server, room, 'bob');
    // By the keys of both roles, so of both halves of what is exported (RFC 5764 §4.2).
    const late = [];
    let mode = 'twice';
    proxy.to_server = (bytes) => {
      if (!is_media(bytes) || is_rtcp(bytes)) return true;
      if (mode === 'twice') {
        const copy = Buffer.from(bytes);
        setImmediate(() => proxy.inject(copy));
        setTimeout(() => proxy.inject(copy), 700);
      }
      if (mode === 'late' && late.length < 3) {
        late.push(Buffer.from(bytes));
        return false;
      }
      if (mode === 'changed') bytes[bytes.length - 20] ^= 1;
      return true;
    };
    await alice.publish('audio', { frames: numbered(), disableRed: true });
    await more(bob, 'audio', 3);
    const heard = listen(bob);
    await more(bob, 'audio', 60);
    const texts = heard.map((one) => one.text);
    assert.equal(new Set(texts).size, texts.length, 'a packet came twice');
    assert.match(texts[0], /^frame \d+ of alice$/);
    assert.equal(await failures(), 0);

    mode = 'late';
    await until(() => late.length === 3);
    mode = 'pass';
    await more(bob, 'audio', 30);
    for (const bytes of late) proxy.inject(bytes);
    await more(bob, 'audio', 30);
    assert.equal(await failures(), 0, 'a late packet is a failure');

    mode = 'changed';
    const from = heard.length;
    // What was under way has come when nothing does for a while.
    const still = async () => {
      const before = heard.length;
      await sleep(100);
      return heard.length === before;
    };
    await until(async () => (await failures()) >= 20 && (await still()));
    const meanwhile = heard.slice(from).length;
    assert.ok(meanwhile < 10, `${meanwhile} packets while all are changed`);
    mode = 'pass';
    await more(bob, 'audio', 20);
  });

  await server.stop();
  server.forget();
}

export async function secure_checks(suite, server) {
  const groups = [handshake_check, retransmission_check, certificate_check, close_check, srtp_checks];
  await Promise.all(groups.map((group) => group(suite, server)));
}
