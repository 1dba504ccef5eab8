// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Certificates of an ACME server: ours in Node.js, and Pebble where CONFAB_PEBBLE names the program.

import fs from 'node:fs';
import path from 'node:path';

import { start_chromium } from '../lib/browser.mjs';
import { AcmeServer } from '../lib/acme_server.mjs';
import { Scrape } from '../lib/metrics.mjs';
import { start_page_server } from '../lib/static_server.mjs';
import { assert } from '../lib/suite.mjs';
import { until } from '../lib/wait.mjs';
import { renewal_under_a_call } from './calls.mjs';
import { kPort, kRelayRange } from './one_port.mjs';
import { Pebble } from './pebble.mjs';
import { certificate_at, let_out, start_tls_server } from './place.mjs';

const kOwnChoice = { udp_port: undefined, tcp_port: undefined };
const kIssueMillis = 30000;

// A server that asks `acme` for its certificate; it counts as started once it answers at all.
function start_asking(suite, acme, folder, { tls = {}, port = kPort, rtc = {}, turn = {} } = {}) {
  return start_tls_server(suite, {
    tls: { domain: 'meet.test', email: 'operator@meet.test', acme_directory: acme.directory, acme_ca_file: acme.authority.file, ...tls },
    rtc: { ...kOwnChoice, ...rtc },
    confab: { data_dir: folder },
    turn: { ...kRelayRange, ...turn },
  }, { port, answers: (server) => certificate_at(server.ports.http, 'meet.test', { any: true }) });
}

const is_issued = (server, name = 'meet.test') => until(async () => (await certificate_at(server.ports.http, name)).authorized, { timeout: kIssueMillis, every: 100, what: 'a certificate of the authority' });
const says = (server, text, timeout = kIssueMillis) => until(() => text.test(server.log), { timeout, what: `the log to say ${text}` });
const failures = async (server) => (await Scrape.of(server)).value('confab_tls_certificate_failures_total', { use: 'http' }) ?? 0;
const mode_of = (file) => (fs.statSync(file).mode & 0o777).toString(8);

async function issues({ suite, authority }, kind, settings) {
  const acme = await AcmeServer.start(suite, { authority, folder: authority.folder(), ...settings.server });
  const folder = authority.folder();
  const server = await start_asking(suite, acme, folder, settings.asking);
  await is_issued(server);
  assert.deepEqual([...new Set(acme.challenged.map((one) => `${one.kind} ${one.fault}`))], [`${kind} undefined`]);
  assert.deepEqual(acme.contact, ['mailto:operator@meet.test']);
  for (const name of ['account.pem', 'certificate.pem']) assert.equal(mode_of(path.join(folder, 'acme', name)), '600');
  assert.equal(mode_of(path.join(folder, 'acme')), '700');
  const seen = await certificate_at(server.ports.http, 'meet.test');
  assert.equal((await Scrape.of(server)).value('confab_tls_certificate_expiry_seconds', { use: 'http' }), Date.parse(seen.valid_to) / 1000);
  assert.ok(!server.log.includes('PRIVATE KEY'));
  await server.stop();
  return { acme, folder, seen };
}

async function kept({ suite, authority }, settings) {
  const { acme, folder, seen } = await issues({ suite, authority }, 'tls-alpn-01', settings);
  const before = acme.requests.length;
  const again = await start_asking(suite, acme, folder, settings.asking);
  assert.equal((await certificate_at(again.ports.http, 'meet.test')).fingerprint256, seen.fingerprint256);
  assert.equal(acme.requests.length, before);
  await again.stop();
}

async function renews({ suite, authority }) {
  const acme = await AcmeServer.start(suite, { authority, folder: authority.folder() });
  acme.life = { begin: -20, end: 40 }; // due 20 s from now
  const server = await start_asking(suite, acme, authority.folder());
  await is_issued(server);
  const { fingerprint256 } = await certificate_at(kPort, 'meet.test');
  acme.life = {};
  await until(async () => (await certificate_at(kPort, 'meet.test')).fingerprint256 !== fingerprint256, { timeout: 40000, every: 200, what: 'the renewed certificate' });
  assert.equal(acme.issued, 2);
  assert.equal(acme.accounts.size, 1);
  await server.stop();
}

async function refused({ suite, authority }, fault, expected, after = async () => {}) {
  const acme = await AcmeServer.start(suite, { authority, folder: authority.folder() });
  acme.faults.push(fault(acme));
  const server = await start_asking(suite, acme, authority.folder());
  await says(server, expected);
  assert.equal(await until(() => server.log.match(/no other certificate is taken/g)?.length, { what: 'the failure' }), 1);
  await after(acme, server);
  await server.stop();
}

const refusal = (type, detail, status = 403, headers = {}) => ({ problem: type, detail, status, headers });

// The first request of a kind is refused so many times.
const times = (count, kind, what) => () => {
  let left = count;
  return (asked) => (asked === kind && left-- > 0 ? what : undefined);
};

async function nonces({ suite, authority }) {
  const acme = await AcmeServer.start(suite, { authority, folder: authority.folder() });
  acme.faults.push(times(4, 'order', refusal('badNonce', 'not now', 400))(), times(3, 'finalize', refusal('badNonce', 'not now', 400))());
  const server = await start_asking(suite, acme, authority.folder());
  await is_issued(server);
  assert.equal(await failures(server), 0);
  await server.stop();
}

// Away before the renewal: the certificate stays, and once the authority is back there is another.
async function away({ suite, authority }) {
  const acme = await AcmeServer.start(suite, { authority, folder: authority.folder() });
  acme.life = { begin: -20, end: 100 };
  const server = await start_asking(suite, acme, authority.folder());
  await is_issued(server);
  const { port } = acme;
  await acme.close();
  acme.life = { begin: -100, end: 3600 };
  const before = await certificate_at(kPort, 'meet.test');
  await says(server, /no answer from https:\/\/authority\.test:\d+\/directory: .*let this server reach tls\.acme_directory/, 80000);
  assert.ok((await certificate_at(kPort, 'meet.test')).authorized);
  assert.equal((await certificate_at(kPort, 'meet.test')).fingerprint256, before.fingerprint256);
  assert.equal(await failures(server), 1);
  await acme.open(port);
  await server.stop();
}

async function under_a_call(place) {
  const { suite, authority } = place;
  const acme = await AcmeServer.start(suite, { authority, folder: authority.folder() });
  acme.life = { begin: -70, end: 110 }; // due 50 s from now, in the middle of the call
  const server = await start_asking(suite, acme, authority.folder(), { rtc: { tcp_port: 0 } });
  await is_issued(server);
  acme.life = {};
  const browser = await start_chromium(suite, { args: ['--ignore-certificate-errors'] });
  const browsing = { suite, address: await start_page_server(suite) };
  await renewal_under_a_call(browsing, browser, server, 'acme', () => until(() => acme.issued === 2, { timeout: 80000, what: 'the renewal' }), [{ protocol: 'tcp', from: acme.port }]);
  await browser.close();
  await server.stop();
}

// What Let's Encrypt is made of, with its own errors now and then.
async function pebble({ suite, authority }, program) {
  const acme = await Pebble.start(suite, { authority, program });
  for (const tls of [{}, { redirect_port: 80 }]) {
    const server = await start_asking(suite, acme, authority.folder(), { tls, ...(tls.redirect_port && { port: 8443 }) });
    await says(server, /certificate issued/);
    assert.equal((await certificate_at(server.ports.http, 'meet.test', { ca: await acme.root() })).subjectaltname, 'DNS:meet.test');
    await server.stop();
  }
  acme.stop();
}

export async function acme_checks(place) {
  const { suite } = place;
  suite.cleanup(() => let_out(undefined));
  const by_http = { asking: { port: 8443, tls: { redirect_port: 80 } } };
  await suite.check('a certificate by TLS-ALPN-01 at port 443, kept with mode 0600, and not asked for again after a restart [TURN-18]', () => kept(place, { asking: {} }), { seconds: 60 });
  await suite.check('a certificate by HTTP-01 at tls.redirect_port [TURN-18]', () => issues(place, 'http-01', by_http), { seconds: 60 });
  await suite.check('one for several names, that of TURN among them [TURN-18]', async () => {
    const { seen } = await issues(place, 'tls-alpn-01', { asking: { tls: { domains: ['www.meet.test'] }, turn: { enabled: true, domain: 'turn.test', tls_port: kPort } } });
    assert.equal(seen.subjectaltname, 'DNS:meet.test, DNS:www.meet.test, DNS:turn.test');
  }, { seconds: 60 });
  await suite.check('it is renewed at two thirds of its life [TURN-18]', () => renews(place), { seconds: 90 });
  await suite.check('refused nonces are exchanged [TURN-18]', () => nonces(place), { seconds: 60 });
  await suite.check('a name that the authority refuses: the log says which option to correct [TURN-18]', () => refused(
    place, times(1, 'order', refusal('rejectedIdentifier', 'not that one')), /the authority refuses: rejectedIdentifier: not that one; correct tls\.domain/));
  await suite.check('too many requests: Retry-After holds [TURN-18]', () => refused(
    place, times(1, 'order', refusal('rateLimited', 'slowly', 429, { 'Retry-After': '3600' })), /rateLimited: slowly; it is asked again when it says so \(again in 3600 s\)/));
  await suite.check('an authority that cannot see this server: the log says what to open [TURN-18]', async () => {
    const acme = await AcmeServer.start(suite, { authority: place.authority, folder: place.authority.folder(), ports: { http: 81, tls: 444 } });
    const server = await start_asking(suite, acme, place.authority.folder());
    await says(server, /could not see that meet\.test is this server: .*ECONNREFUSED.*reach it at port 443, or at 80 with tls\.redirect_port/);
    await assert.rejects(certificate_at(kPort, 'meet.test'), /self.signed/i);
    await server.stop();
  });
  await suite.check('an authority that is away: the certificate stays [TURN-18]', () => away(place), { seconds: 120 });
  await suite.check('a renewal during a call over TURN and TLS: no packet is lost by it [TURN-18]', () => under_a_call(place), { seconds: 180 });
  for (const [name, config, text] of [
    ['without a folder', { confab: {} }, /set confab\.data_dir/],
    ['with an authority that is no address', { tls: { domain: 'meet.test', acme_directory: 'example.org' } }, /tls\.acme_directory: "example\.org" is no address; write https/],
    ['with a file of an authority that is none', { tls: { domain: 'meet.test', acme_ca_file: '/dev/null' } }, /tls\.acme_ca_file: \/dev\/null has no certificate in it/],
  ]) {
    await suite.check(`no start ${name} [CFG-07]`, () => assert.rejects(
      start_tls_server(suite, { tls: { domain: 'meet.test' }, confab: { data_dir: place.authority.folder() }, ...config }), text));
  }
  if (process.env.CONFAB_PEBBLE) await suite.check('Pebble: certificates by both kinds, with refused nonces [TURN-18]', () => pebble(place, process.env.CONFAB_PEBBLE), { seconds: 120 });
}
