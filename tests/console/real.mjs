// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// The console of the real server with real participants: what it shows of them, and what they see of
// its actions.

import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

import { RoomEvent } from '@livekit/rtc-node';

import { WebhookSink } from '../api/webhook_sink.mjs';
import { Peer } from '../lib/rtc_peer.mjs';
import { KEY, SECRET, start_server } from '../lib/server.mjs';
import { assert } from '../lib/suite.mjs';
import { until } from '../lib/wait.mjs';
import { ConsoleTab, kPages, of } from './console_tab.mjs';
import { kOperatorPassword, kViewerPassword, MockServer } from './mock_server.mjs';
import { kOperator, operator_tab } from './signing_in.mjs';
import { Visitor } from './visitor.mjs';

const kRoom = 'console room/1';

// With a history that lasts and somebody who gets webhooks.
function config(suite, sink) {
  const data_dir = fs.mkdtempSync(path.join(os.tmpdir(), 'confab-console-'));
  suite.cleanup(() => fs.rmSync(data_dir, { recursive: true, force: true }));
  return {
    webhook: { urls: [sink.url], api_key: KEY },
    confab: { console_enabled: true, console_password: kOperatorPassword, console_viewer_password: kViewerPassword, data_dir },
  };
}

const saw = (peer, name) => until(() => peer.events.some((one) => one.name === name), { what: `${peer.identity} to see ${name}` });
const api = (server, path, init = {}) => fetch(`${server.http}/console/api/${path}`, init);

async function serving_checks({ suite, name, server }) {
  await suite.check(`${name}, real server: the pages and their policy`, async () => {
    const page = await fetch(`${server.http}/console/`);
    assert.equal(page.status, 200);
    assert.match(page.headers.get('content-security-policy'), /default-src 'self'/);
    assert.doesNotMatch(page.headers.get('content-security-policy'), /unsafe|\*/);
    const html = await page.text();
    assert.doesNotMatch(html, /(src|href)="(https?:)?\/\//);
    const [script] = html.match(/\/console\/assets\/[\w-]+\.js/);
    assert.match((await fetch(server.http + script)).headers.get('cache-control'), /immutable/);
    assert.match(await (await fetch(`${server.http}/console/third-party.txt`)).text(), /react/);
    for (const path of ['overview', 'rooms', 'history?from=0&to=1&points=2', 'config', 'events']) assert.equal((await api(server, path)).status, 401, path);
  });
}

// Once, for the first check that wants it.
const once = (make) => {
  let made;
  return () => (made ??= make());
};

// Ada sends to Grace, and an operator has the overview before them.
async function begin_meeting({ suite, server, browser }) {
  const ada = await Peer.join(suite, server, kRoom, 'ada', { options: { name: 'Ada', metadata: 'host', attributes: { seat: '1' } } });
  const grace = await Peer.join(suite, server, kRoom, 'grace', { number: 2 });
  await ada.publish_picture();
  await ada.publish_tone();
  await grace.sees(ada);
  return { ada, grace, tab: await operator_tab(browser, server) };
}

// By the console: Grace is removed, then the room closed.
async function end_meeting({ ada, grace, tab }) {
  await tab.go(`rooms/${encodeURIComponent(kRoom)}/grace`);
  await tab.click(of('act-remove'));
  await tab.click(of('submit'));
  await saw(grace, RoomEvent.Disconnected);
  await tab.shown(of('person-gone'));
  assert.ok(!ada.events.some((one) => one.name === RoomEvent.Disconnected));
  await tab.click(of('act-close-room'));
  await tab.click(of('submit'));
  await saw(ada, RoomEvent.Disconnected);
  await tab.shown(of('gone'));
}

const to_ada = (tab) => tab.go(`rooms/${encodeURIComponent(kRoom)}/ada`);

async function seeing_checks({ suite, name, meeting }) {
  await suite.check(`${name}, real server: participants, tracks, rates and paths`, async () => {
    const { tab, ada } = await meeting();
    await tab.reads(of('total-participants'), /^2$/);
    await tab.reads(of('total-rooms'), /^1$/);
    await tab.reads(of('total-in'), /[1-9].* [kM]bit\/s/, 20000);
    await tab.reads(of('funnel'), /Media connected\s+[^0]/, 20000);
    await tab.click(of('nav-rooms'));
    await (await tab.row(kRoom)).click();
    await tab.reads(of('heading'), /^console room\/1$/);
    const talk = setInterval(() => ada.local.publishData(new Uint8Array(1000), { reliable: true }).catch(() => {}), 100);
    suite.cleanup(() => clearInterval(talk));
    for (const way of ['received', 'sent']) await tab.reads('.fold', new RegExp(`Messages ${way}\\s+[1-9][^]*Data ${way}\\s+[1-9][\\d.,]* kbit/s`), 20000);
    clearInterval(talk);
    await tab.reads('.fold', /Messages received\s+0\b/, 20000);
    await (await tab.row('ada')).click();
    await tab.reads(of('track', '[data-source="camera"]'), /VP8[^]*Rate\s+[1-9][\d.,]* [kM]bit\/s/i, 20000);
    await tab.reads(of('track', '[data-source="microphone"]'), /(opus|red)[^]*Rate\s+[1-9][\d.,]* kbit\/s/i, 20000);
    await tab.reads(of('person'), /Path\s+UDP/);
    await tab.reads(of('person'), /seat=1/);
    await tab.reads(of('person'), /Metadata\s+host/);
    await tab.reads(of('person'), /Quality\s+(excellent|good)/, 20000);
  }, { seconds: 90 });
}

// Names of all members, whatever is in them.
function members(value, at = '', all = new Set()) {
  if (Array.isArray(value)) value.forEach((one) => members(one, `${at}[]`, all));
  else if (value !== null && typeof value === 'object') {
    for (const [name, member] of Object.entries(value)) members(member, `${at}/${name}`, all.add(`${at}/${name}`));
  }
  return all;
}
// Of tenants, of refusals, of certificates, and what clients choose.
const kNotAlways = /\/tenant$|\/(refused|certificates)\[\]|\/(attributes|permission)\//;

async function likeness_checks({ suite, name, server, meeting }) {
  await suite.check(`${name}, real server: it answers what the imagined one does`, async () => {
    await meeting();
    const [imagined, real] = [await Visitor.signed_in(await MockServer.start(suite), kOperator), await Visitor.signed_in(server, kOperator)];
    const now = Date.now();
    for (const page of ['session', 'overview', 'rooms', 'room', `history?from=${now - 36e5}&to=${now}&points=9`, 'sessions', 'events', 'webhooks?limit=9', 'config']) {
      const path = (room) => (page === 'room' ? `room?name=${encodeURIComponent(room)}` : page);
      const wanted = [...members(await imagined.get(path('room-0001')))].filter((one) => !kNotAlways.test(one));
      let missing;
      // Figures of media are there some seconds after these.
      await until(async () => {
        const known = members(await real.get(path(kRoom)));
        missing = wanted.filter((one) => !known.has(one));
        return missing.length === 0;
      }, { every: 500, timeout: 20000, what: () => `${page} to have ${missing}` });
    }
  }, { seconds: 60 });
}

async function acting_checks({ suite, name, meeting }) {
  await suite.check(`${name}, real server: mute and data reach the participants`, async () => {
    const { tab, ada, grace } = await meeting();
    await to_ada(tab);
    await tab.click(`${of('track', '[data-source="microphone"]')} ${of('act-mute')}`);
    await tab.shown(of('track', '[data-source="microphone"][data-muted="true"]'));
    await saw(grace, RoomEvent.TrackMuted);
    await tab.click(`${of('person')} ${of('act-send-data')}`);
    await tab.fill('field-text', 'hello');
    await tab.fill('field-topic', 'console');
    await tab.click(of('submit'));
    await until(() => ada.data.some(({ text, topic }) => text === 'hello' && topic === 'console'), { what: 'the data' });
    assert.ok(!grace.data.some(({ text }) => text === 'hello'), 'only ada was meant');
  }, { seconds: 40 });
}

async function changing_checks({ suite, name, meeting, ending }) {
  await suite.check(`${name}, real server: permissions, metadata and attributes reach them`, async () => {
    const { tab, ada, grace } = await meeting();
    await to_ada(tab);
    await tab.click(of('act-participant-metadata'));
    await tab.fill('field-attributes', 'seat=2');
    await tab.click(of('submit'));
    await until(() => ada.local.attributes.seat === '2', { what: 'the attribute' });
    await tab.reads(of('person'), /seat=2/);
    await tab.click(of('act-permission'));
    await tab.click(of('field-can_publish_data'));
    await tab.click(of('submit'));
    await tab.reads(of('person'), /May\s+subscribe, publish(, change own metadata)?\n/);
    await tab.click(of('act-room-metadata'));
    await tab.fill('field-metadata', 'daily');
    await tab.click(of('submit'));
    await until(() => grace.room.metadata === 'daily', { what: 'the metadata' });
  }, { seconds: 40 });

  await suite.check(`${name}, real server: removing one, closing the room`, ending, { seconds: 40 });
}

async function past_checks({ suite, name, server, sink, meeting, ending }) {
  await suite.check(`${name}, real server: what was done is among the events, who was there among the sessions`, async () => {
    await ending();
    const { tab } = await meeting();
    await tab.go('events');
    await tab.reads(of('events'), /RemoveParticipant[^]*testkey/, 20000);
    await tab.reads(of('events'), /DeleteRoom/);
    await tab.go('sessions');
    await tab.reads(of('long-table'), /grace/, 20000);
    await tab.reads(of('long-table'), /participant removed/, 20000);
    await tab.go('history');
    await tab.shown('.plot');
    // What a minute was is known when it is over: one browser is enough to wait for it.
    const drawn = () => tab.page.$$eval('.plot path', (list) => list.filter((one) => one.getAttribute('d') !== '').length);
    if (name === 'Chromium') await until(async () => (await drawn()) >= 4, { timeout: 100000, every: 500, what: 'values' });
  }, { seconds: 150 });

  await suite.check(`${name}, real server: deliveries, and one sent again`, async () => {
    await ending();
    const { tab } = await meeting();
    await tab.go('webhooks');
    await tab.reads(of('deliveries'), /room_finished[^]*delivered/, 20000);
    const before = sink.deliveries.length;
    await tab.click(of('replay'));
    await tab.reads(of('notice'), /sent again/);
    await until(() => sink.deliveries.length > before, { what: 'the receiver to get it again' });
  }, { seconds: 45 });

  await suite.check(`${name}, real server: the configuration without its secrets`, async () => {
    const { tab } = await meeting();
    await tab.go('config');
    await tab.reads(of('options'), /\(set\)/);
    const shown = await tab.text(of('options'));
    for (const secret of [SECRET, kOperatorPassword, kViewerPassword]) assert.ok(!shown.includes(secret), 'a secret is shown');
    await tab.reads(of('options'), new RegExp(`\\b${server.ports.http}\\b`));
  });
}

async function viewer_checks({ suite, name, server, browser }) {
  await suite.check(`${name}, real server: a viewer sees no action, and may do none`, async () => {
    const watched = await Peer.join(suite, server, kRoom, 'watched');
    const tab = await ConsoleTab.open(browser, server.http);
    await tab.sign_in({ password: kViewerPassword });
    for (const hash of [...kPages, `rooms/${encodeURIComponent(kRoom)}/watched`]) {
      await tab.go(hash);
      assert.equal(await tab.count('[data-testid^="act-"], [data-testid="replay"]'), 0, hash);
    }
    await tab.reads(of('person'), /watched/);
    const status = await tab.page.evaluate(async (room) => {
      const headers = { 'X-Confab-Console': '1', 'Content-Type': 'application/json' };
      return (await fetch('/console/api/call/RoomService/DeleteRoom', { method: 'POST', headers, body: JSON.stringify({ room }) })).status;
    }, kRoom);
    assert.equal(status, 403);
    await tab.calm();
    await tab.close();
    await watched.leave();
  }, { seconds: 60 });

  await suite.check(`${name}, real server: forms of other sites, and no key at all`, async () => {
    const json = { 'Content-Type': 'application/json' };
    const plain = await api(server, 'session', { method: 'POST', headers: json, body: JSON.stringify(kOperator) });
    assert.ok(plain.status >= 400, 'without the header');
    const wrong = await api(server, 'session', { method: 'POST', headers: { ...json, 'X-Confab-Console': '1' }, body: JSON.stringify({ password: 'guess' }) });
    assert.equal(wrong.status, 401);
    assert.ok((await wrong.json()).error);
  });
}

export async function real_checks({ suite, name, browser }) {
  const sink = await WebhookSink.start(suite);
  const place = { suite, name, browser, sink, server: await start_server(suite, config(suite, sink)) };
  place.meeting = once(() => begin_meeting(place));
  place.ending = once(async () => end_meeting(await place.meeting()));
  await serving_checks(place);
  await seeing_checks(place);
  await likeness_checks(place);
  await acting_checks(place);
  await changing_checks(place);
  await past_checks(place);
  await viewer_checks(place);
  await suite.check(`${name}, real server: the pages made no error and broke no policy`, async () => (await place.meeting()).tab.calm());
}
