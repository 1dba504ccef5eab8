// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// ICE as datagrams show it: which packet is whose, which checks are answered, roles, nominations,
// and the paths that media takes.

import { randomBytes } from 'node:crypto';

import { LeaveRequest_Action } from '@livekit/protocol';

import { ice_of, make_offer, random_fingerprint, random_ice } from '../lib/sdp.mjs';
import { binding_request, binding_success, parse_stun, with_fingerprint } from '../lib/stun.mjs';
import { assert } from '../lib/suite.mjs';
import { sleep, until } from '../lib/wait.mjs';
import { fresh_room } from './client.mjs';
import { answered, dtls_of, is_dtls, RawPath, reply_to, requests } from './raw_path.mjs';

const kHigh = Buffer.alloc(8, 0xff);
const kLow = Buffer.alloc(8);
const kControlling = 0x802a;
const kControlled = 0x8029;
const kUseCandidate = 0x25;
const kPeerReflexive = (110 << 24) | (65535 << 8) | 255; // what a check gives its pair: RFC 8445 §7.1.1

const without_fingerprint = (request) => {
  const cut = Buffer.from(request.subarray(0, request.length - 8));
  cut.writeUInt16BE(cut.length - 20, 2);
  return cut;
};
const without_integrity = (request) => {
  const cut = Buffer.from(request.subarray(0, request.length - 32));
  cut.writeUInt16BE(cut.length - 20, 2);
  return cut;
};

async function validation_check(suite, server) {
  await suite.check('a check counts with both names and our password, all else is optional; what does not count gets no answer [ICE-05]', async () => {
    const path = await RawPath.publisher(suite, server, fresh_room('ice'), 'alice', { v1: true });
    const { local, remote } = path;
    const plain = { local, remote, nominate: false };
    const spoilt = Buffer.from(binding_request(plain));
    spoilt[spoilt.length - 10] ^= 1;
    const wrong = {
      password: binding_request({ ...plain, remote: { ...remote, pwd: 'x'.repeat(32) } }),
      'their name': binding_request({ ...plain, username: `${remote.ufrag}:other` }),
      'our name': binding_request({ ...plain, username: `other:${local.ufrag}` }),
      'order of names': binding_request({ ...plain, username: `${local.ufrag}:${remote.ufrag}` }),
      'no name': binding_request({ ...plain, username: null }),
      'no integrity': without_integrity(binding_request(plain)),
      'changed integrity': with_fingerprint(spoilt),
    };
    const right = [
      binding_request(plain),
      without_fingerprint(binding_request(plain)),
      binding_request({ ...plain, priority: null }),
      binding_request({ ...plain, role: null }),
    ];
    // From nowhere, and from where a right check came before.
    for (const known of [false, true]) {
      const end = await path.open();
      if (known) {
        const first = binding_request(plain);
        end.send(first);
        await answered(end, first);
      }
      for (const request of Object.values(wrong)) end.send(request);
      for (const request of right) {
        end.send(request);
        const reply = await answered(end, request);
        assert.equal(reply.type, 0x0101);
        assert.deepEqual(reply.mapped, end.address);
        assert.ok(reply.signed_with(remote.pwd) && reply.has_fingerprint);
      }
      for (const [what, request] of Object.entries(wrong)) assert.ok(!reply_to(end, request), `answered: ${what}`);
      end.close();
    }
  });
}

async function demux_check(suite, server) {
  await suite.check('of an address that no check came from nothing is taken or answered; with a check it is the session of that name [ICE-02]', async () => {
    const room = fresh_room('ice');
    const paths = await Promise.all(['alice', 'bob'].map((identity) => RawPath.publisher(suite, server, room, identity, { v1: true })));
    const rtp = Buffer.concat([Buffer.from([0x80, 111]), randomBytes(60)]);
    const junk = [
      rtp,
      Buffer.concat([Buffer.from([0x80, 201, 0, 1]), randomBytes(20)]),
      Buffer.concat([Buffer.from([22, 0xfe, 0xfd]), randomBytes(80)]),
      Buffer.concat([Buffer.from([0x40, 0, 0, 4]), randomBytes(4)]),
      Buffer.concat([Buffer.from([250]), randomBytes(30)]),
      Buffer.alloc(0),
      Buffer.from([22]),
      Buffer.from([0]),
      binding_request({ local: random_ice(), remote: random_ice() }),
    ];
    const ends = [];
    for (const path of paths) {
      const end = await path.open();
      ends.push(end);
      for (const bytes of junk) end.send(bytes);
    }
    await Promise.all(paths.map(({ client }) => client.fence()));
    for (const end of ends) assert.equal(end.got.length, 0, `${end.got[0]?.bytes.toString('hex')}`);
    for (const [index, { local, remote }] of paths.entries()) {
      const request = binding_request({ local, remote });
      ends[index].send(request);
      assert.ok((await answered(ends[index], request)).signed_with(remote.pwd));
      // From here on it is known: what the session has to say comes here.
      ends[index].on_message = (bytes) => {
        if (parse_stun(bytes)?.type === 1) ends[index].send(binding_success(bytes, paths[index].address, local.pwd));
      };
    }
    const hello_of = (end) => until(() => dtls_of(end)[0]?.bytes, { what: 'a ClientHello' });
    const [first, second] = await Promise.all(ends.map(hello_of));
    // The random octets of each handshake.
    assert.notDeepEqual(first.subarray(27, 59), second.subarray(27, 59));
    // Broken SRTP of a known address is dropped without a word, too.
    const before = ends[0].got.filter(({ bytes }) => !is_dtls(bytes) && !parse_stun(bytes)).length;
    for (const bytes of junk.slice(0, 2)) ends[0].send(bytes);
    await paths[0].client.fence();
    assert.equal(ends[0].got.filter(({ bytes }) => !is_dtls(bytes) && !parse_stun(bytes)).length, before);
  });
}

// Answers the server's checks, all from now on.
function answer_checks(path, end) {
  const reply = (bytes) => end.send(binding_success(bytes, path.address, path.local.pwd));
  for (const { bytes } of requests(end)) reply(bytes);
  end.on_message = (bytes) => parse_stun(bytes)?.type === 1 && reply(bytes);
}

async function role_checks(suite, server) {
  await suite.check('credentials are long enough; the tie-breakers decide who yields when both are controlled: 487, or we control [ICE-04] [ICE-06]', async () => {
    const join = () => RawPath.publisher(suite, server, fresh_room('ice'), 'alice', { v1: true });
    const { remote } = await join();
    assert.match(remote.ufrag, /^[A-Za-z]{16}$/);
    assert.match(remote.pwd, /^[A-Za-z]{32}$/);
    const conflict = async (tie_breaker) => {
      const path = await join();
      const end = await path.open();
      path.trickle(end.address);
      const request = binding_request({ local: path.local, remote: path.remote, nominate: false, role: 'controlled', tie_breaker });
      end.send(request);
      const reply = await answered(end, request);
      assert.ok(reply.signed_with(path.remote.pwd));
      const from = end.got.length;
      const own = await until(() => end.got.slice(from).map(({ bytes }) => parse_stun(bytes)).find((one) => one?.type === 1), { what: 'a check of the server' });
      return { error: reply.error, controls: own.attributes.has(kControlling), controlled: own.attributes.has(kControlled) };
    };
    // RFC 8445 §7.3.1.1: the larger one controls.
    assert.deepEqual(await conflict(kHigh), { error: 487, controls: false, controlled: true });
    assert.deepEqual(await conflict(kLow), { error: undefined, controls: true, controlled: false });
  });

  await suite.check('checks that nobody answers are sent every 200 ms, eight times, then less; their priority is a peer-reflexive one [ICE-04] [ICE-07]', async () => {
    const path = await RawPath.publisher(suite, server, fresh_room('ice'), 'alice', { v1: true });
    const end = await path.open();
    path.trickle(end.address);
    await until(() => requests(end).length >= 9, { timeout: 8000 });
    const own = requests(end);
    for (const { bytes } of own) {
      const check = parse_stun(bytes);
      assert.equal(check.attributes.get(6).toString(), `${path.local.ufrag}:${path.remote.ufrag}`);
      assert.equal(check.attributes.get(0x24).readUInt32BE(), kPeerReflexive);
      assert.ok(check.signed_with(path.local.pwd) && check.has_fingerprint);
    }
    const gaps = own.slice(1).map(({ at }, index) => at - own[index].at);
    const middle = [...gaps.slice(0, 7)].sort((a, b) => a - b)[3];
    assert.ok(middle > 150 && middle < 280, `${gaps}`);
    assert.ok(gaps[7] > 600, `${gaps}`);
  });
}

async function nomination_checks(suite, server) {
  await suite.check('of a subscriber the server controls: it nominates what answers, once, and goes on checking without [ICE-06]', async () => {
    const path = await RawPath.subscriber(suite, server, fresh_room('ice'), 'bob');
    const [deaf, end] = [await path.open(), await path.open()];
    path.trickle(deaf.address);
    path.trickle(end.address);
    await until(() => requests(end).length > 0);
    await sleep(600);
    const nominating = ({ bytes }) => parse_stun(bytes).attributes.has(kUseCandidate);
    for (const one of [deaf, end]) {
      assert.ok(requests(one).every(({ bytes }) => parse_stun(bytes).attributes.has(kControlling)));
      assert.ok(!requests(one).some(nominating), 'nominated before it was answered');
    }
    answer_checks(path, end);
    await until(() => requests(end).some(nominating));
    const begin = Date.now();
    await until(() => requests(end).filter((one) => one.at > begin + 1000).length >= 2, { timeout: 15000, what: 'checks of consent' });
    assert.ok(!requests(end).filter((one) => one.at > begin + 1000).some(nominating), 'nominated again');
    assert.ok(!requests(deaf).some(nominating), 'nominated what never answered');
  });

  await suite.check('of a publisher the client does: the path follows its nomination once the new one is proven, not before, also back [ICE-06] [ICE-04]', async () => {
    const path = await RawPath.publisher(suite, server, fresh_room('ice'), 'alice', { v1: true });
    const { local, remote } = path;
    const [first, second, deaf] = [await path.open(), await path.open(), await path.open()];
    const nominate = async (end, priority) => {
      const request = binding_request({ local, remote, priority });
      end.send(request);
      await answered(end, request);
    };
    // The server is the DTLS client here and says its hello again and again.
    const speaks_at = async (end, others) => {
      const from = end.got.length;
      await until(() => end.got.slice(from).some(({ bytes }) => is_dtls(bytes)), { what: 'DTLS on the nominated path' });
      return others.map((one) => dtls_of(one).length);
    };
    for (const end of [first, second]) answer_checks(path, end);
    await nominate(first, 1000);
    await speaks_at(first, []);
    assert.equal(dtls_of(second).length, 0);
    await nominate(deaf, 3000);
    await speaks_at(first, []);
    assert.equal(dtls_of(deaf).length, 0, 'nominated, and never answered a check');
    await nominate(second, 2000);
    const [before] = await speaks_at(second, [first]);
    await speaks_at(second, []);
    assert.equal(dtls_of(first).length, before, 'both paths are used');
    // Behind the first two seconds also to a pair of lower priority (Wi-Fi to mobile).
    await sleep(2000);
    await nominate(first, 1000);
    await speaks_at(first, []);
    assert.equal(dtls_of(deaf).length, 0);
  });
}

async function mdns_check(suite, server) {
  await suite.check('a .local candidate is taken without a word and looked up by nobody: the client is found by its own check [ICE-12] [ICE-13]', async () => {
    const path = await RawPath.publisher(suite, server, fresh_room('ice'), 'alice', { v1: true });
    const end = await path.open();
    path.trickle({ host: '0a1b2c3d-1111-4222-8333-444455556666.local', port: end.address.port });
    const begin = Date.now();
    await path.client.fence();
    assert.ok(Date.now() - begin < 1000, 'it was looked up');
    assert.equal(path.client.all('requestResponse', (one) => one.request.case === 'trickle').length, 0);
    assert.equal(requests(end).length, 0, 'checked before it checks');
    const request = binding_request({ local: path.local, remote: path.remote });
    end.send(request);
    await answered(end, request);
    await until(() => requests(end).length > 0, { what: 'a check of the server' });
  });
}

async function restart_check(suite, server) {
  await suite.check('a new name and password in an offer is an ICE restart: new ones of the server, its fingerprint as before [ICE-14]', async () => {
    const path = await RawPath.publisher(suite, server, fresh_room('ice'), 'alice');
    const check = (end, local, remote) => {
      const request = binding_request({ local, remote });
      end.send(request);
      return request;
    };
    const end = await path.open();
    answer_checks(path, end);
    await answered(end, check(end, path.local, path.remote));
    const answers = [];
    const fresh = random_ice();
    for (const [index, ice] of [path.local, fresh].entries()) {
      path.client.send('offer', { type: 'offer', sdp: make_offer([], ice, random_fingerprint()), id: 2 + index });
      answers.push((await path.client.told('answer', (one) => one.id === 2 + index)).sdp);
    }
    const [before, same, restarted] = [path.description, ...answers].map(ice_of);
    assert.deepEqual(same, before, 'a restart that nobody asked for');
    assert.notEqual(restarted.ufrag, before.ufrag);
    assert.notEqual(restarted.pwd, before.pwd);
    const fingerprints = [path.description, ...answers].map((sdp) => /^a=fingerprint:(.*)\r$/m.exec(sdp)[1]);
    assert.equal(new Set(fingerprints).size, 1);
    // The old name is of use on the path that there is, and nowhere else.
    const other = await path.open();
    const old = check(other, path.local, before);
    const right = check(other, fresh, restarted);
    assert.ok((await answered(other, right)).signed_with(restarted.pwd));
    assert.ok(!reply_to(other, old), 'the old password still opens paths');
  });

  await suite.check('the server restarts its own offer when a client resumes: new credentials, fingerprint and sections as before [ICE-14]', async () => {
    const room = fresh_room('ice');
    const bob = await RawPath.subscriber(suite, server, room, 'bob');
    const again = await bob.client.resume(server, room);
    suite.cleanup(() => again.destroy());
    const { sdp } = await again.told('offer');
    const lines = (text, start) => text.match(new RegExp(`^(?:${start}).*`, 'gm'));
    assert.deepEqual(lines(sdp, 'm=|a=mid|a=fingerprint'), lines(bob.description, 'm=|a=mid|a=fingerprint'));
    for (const start of ['a=ice-ufrag', 'a=ice-pwd']) assert.notDeepEqual(lines(sdp, start), lines(bob.description, start));
  });
}

export async function ice_checks(suite, server) {
  const groups = [validation_check, demux_check, role_checks, nomination_checks, mdns_check, restart_check];
  await Promise.all(groups.map((group) => group(suite, server)));
}

// For the suite that has the time.
export async function slow_ice_checks(suite, server) {
  await suite.check('a connection that never gets an answer is given up after 15 s: told to resume, the socket closed [ICE-04]', async () => {
    const path = await RawPath.subscriber(suite, server, fresh_room('timers-ice'), 'bob');
    const end = await path.open();
    path.trickle(end.address);
    const begin = Date.now();
    const { code, leave } = await path.client.ended({ seconds: 25 });
    const seconds = (Date.now() - begin) / 1000;
    assert.ok(seconds > 13 && seconds < 19, `after ${seconds} s`);
    assert.deepEqual([code, leave?.action, leave?.reason], [1000, LeaveRequest_Action.RESUME, 14]);
  }, { seconds: 40 });
}
