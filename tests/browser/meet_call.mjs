// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// What people do in a meeting: layouts, hands, reactions, captions, a shared screen with its sound,
// the button that records.

import { SignalClient } from '../lib/signal_client.mjs';
import { assert } from '../lib/suite.mjs';
import { join_token } from '../lib/token.mjs';
import { until } from '../lib/wait.mjs';
import { of, Tab, tile_of } from './demo_tab.mjs';

const kBig = '[data-source="camera"].tile--big';

export async function call_checks(place, { ada, grace }) {
  const { suite } = place;
  await suite.check('layouts show who speaks or what was pinned, and are remembered [DEMO-03]', () => layout_check(ada), { seconds: 40 });
  await suite.check('hands and reactions show at the others, who hear of them [DEMO-03] [SIG-120]', () => sign_check(ada, grace), { seconds: 40 });
  await suite.check('captions are shown while they are said, with their speaker [DEMO-03]', () => caption_check(ada, grace), { seconds: 40 });
  await suite.check('a screen is shared with its sound [DEMO-03] [SIG-100]', () => screen_check(ada, grace), { seconds: 60 });
  await suite.check('the button that records is there with the right and an egress, not otherwise [DEMO-03]', () => record_check(place, ada), { seconds: 60 });
}

async function layout_check(ada) {
  assert.equal(await ada.count('.tile--big'), 0, 'the grid has none that is larger');
  await ada.page.select(of('layout'), 'speaker');
  await ada.shown(tile_of('Grace', kBig)); // whose microphone speaks
  const size = (name) => ada.page.$eval(tile_of(name), (tile) => tile.getBoundingClientRect().width);
  assert.ok((await size('Grace')) >= (await size('Ada')));
  await ada.click(tile_of('Ada', ` ${of('enlarge')}`));
  await ada.shown(tile_of('Ada', kBig));
  await ada.shown(tile_of('Ada', ` ${of('enlarge', '[aria-pressed="true"]')}`));
  await ada.page.select(of('layout'), 'sidebar');
  await ada.shown(of('stage', '[data-layout="sidebar"]'));
  const [big, small] = [await size('Ada'), await size('Grace')];
  assert.ok(big > 2 * small, `${big} beside ${small}`);
  await ada.click(tile_of('Ada', ` ${of('enlarge')}`));
  await ada.shown(tile_of('Grace', kBig));
  assert.equal(await ada.page.evaluate(() => localStorage.getItem('confab.layout')), 'sidebar');
  await ada.page.select(of('layout'), 'grid');
  await ada.gone('.tile--big');
}

async function sign_check(ada, grace) {
  await grace.click(of('toggle-hand'));
  await ada.shown(tile_of('Grace', ` ${of('hand')}`));
  await grace.shown(of('toggle-hand', '[aria-pressed="true"]'));
  await until(async () => /Grace raises a hand/.test(await ada.text(of('status'))), { what: 'Ada to be told' });
  await ada.click(of('toggle-reactions'));
  await ada.shown(of('reaction-bar'));
  await ada.click(`${of('react')}[aria-label="applause"]`);
  await Promise.all([ada, grace].map((tab) => tab.shown(tile_of('Ada', ` ${of('reaction')}`))));
  assert.equal(await grace.text(tile_of('Ada', ` ${of('reaction')}`)), '👏');
  await until(async () => /Ada: applause/.test(await grace.text(of('status'))), { what: 'Grace to be told' });
  await ada.accessible('reactions');
  await ada.click(of('toggle-reactions'));
  await ada.gone(of('reaction-bar'));
  await grace.gone(tile_of('Ada', ` ${of('reaction')}`));
}

const say = (tab, text, attributes = {}) => tab.page.evaluate(async (words, more) => {
  const { localParticipant } = window.confabDemo.room;
  await localParticipant.sendText(words, { topic: 'lk.transcription', attributes: more });
}, text, attributes);

async function caption_check(ada, grace) {
  assert.equal(await ada.count(of('captions')), 0, 'there is no place for captions before the first');
  assert.equal(await ada.count(of('toggle-captions')), 0);
  await say(grace, 'Good morn', { 'lk.segment_id': 's1', 'lk.transcription_final': 'false' });
  await ada.shown(of('caption', '[data-participant^="grace-"]'));
  await say(grace, 'Good morning, <b>everybody</b>', { 'lk.segment_id': 's1', 'lk.transcription_final': 'true' });
  await until(async () => (await ada.text(of('caption'))) === 'Grace: Good morning, <b>everybody</b>', { what: 'the whole caption' });
  assert.equal(await ada.count(of('caption')), 1, 'a segment that is said anew stands once');
  await ada.accessible('captions');
  // Of another's track: a transcriber speaks for whom it hears.
  const sid = await ada.page.evaluate(() => [...window.confabDemo.room.localParticipant.trackPublications.keys()][0]);
  await say(grace, 'Hello', { 'lk.segment_id': 's2', 'lk.transcribed_track_id': sid });
  await ada.shown(of('caption', '[data-participant^="ada-"]'));
  await ada.click(of('toggle-captions'));
  await ada.gone(of('captions'));
  await ada.click(of('toggle-captions'));
  await ada.shown(of('captions'));
  await ada.gone(of('caption'));
}

async function screen_check(ada, grace) {
  await ada.click(of('toggle-screen'));
  await grace.plays(tile_of('Ada', '[data-source="screen_share"].tile--big'));
  const sound = () => grace.page.evaluate(() => {
    const ada = [...window.confabDemo.room.remoteParticipants.values()].find((who) => who.name === 'Ada');
    const publication = ada.getTrackPublication('screen_share_audio');
    return publication?.track ? publication.track.getRTCStatsReport().then((report) => {
      let octets = 0;
      report.forEach((one) => (octets += one.type === 'inbound-rtp' ? one.bytesReceived : 0));
      return octets;
    }) : 0;
  });
  await until(async () => (await sound()) > 0, { timeout: 20000, what: 'the sound of the screen' });
  await ada.accessible('a shared screen');
}

async function record_check({ server, browsers }, ada) {
  assert.equal(await ada.count(of('toggle-record')), 0, 'no right to record');
  const token = await join_token('tape', 'edith-1', { grant: { roomAdmin: true, roomRecord: true }, options: { name: 'Edith' } });
  const query = '?room=tape&name=Edith&autojoin=1&audio=0&video=0';
  const without = await Tab.open(browsers.third, server.http, `${query}#token=${token}`);
  await without.shown(of('call-view'));
  await without.click(of('open-people'));
  await without.shown(of('mute-all'), 5000);
  assert.equal(await without.count(of('toggle-record')), 0, 'this server has no egress');
  await without.close();

  const asked = [];
  let items = [];
  const tab = await Tab.open(browsers.third, server.http, '?view=test');
  await tab.page.setRequestInterception(true);
  tab.page.on('request', (request) => {
    const call = /livekit\.Egress\/(\w+)$/.exec(request.url());
    if (!call) return request.continue();
    asked.push([call[1], JSON.parse(request.postData())]);
    const body = JSON.stringify(call[1] === 'ListEgress' ? { items } : { egress_id: 'EG_1' });
    return request.respond({ status: 200, contentType: 'application/json', body });
  });
  await tab.page.goto(`${server.http}/demo/${query}#token=${token}`);
  await tab.click(of('toggle-record'));
  await until(() => asked.some(([method]) => method === 'StartRoomCompositeEgress'), { what: 'the recording to be asked for' });
  assert.deepEqual(new Set(asked.map(([, body]) => body.room_name)), new Set(['tape']));
  await tab.accessible('a call that can be recorded');
  // The recorder comes: the button stops what runs, and nothing that is over.
  items = [['EG_0', 'EGRESS_COMPLETE'], ['EG_1', 'EGRESS_ACTIVE'], ['EG_2', 'EGRESS_STARTING']].map(([egress_id, status]) => ({ egress_id, status }));
  const recorder = await SignalClient.join(server, '', 'tape', { token: await join_token('tape', 'recorder', { grant: { recorder: true, hidden: true } }) });
  await tab.shown(of('recorded'));
  await tab.click(of('toggle-record', '[aria-pressed="true"]'));
  const stopped = () => asked.filter(([method]) => method === 'StopEgress').map(([, { egress_id }]) => egress_id);
  await until(() => stopped().length >= 2, { what: 'the recordings to be stopped' });
  await recorder.leave();
  await tab.gone(of('recorded'));
  await tab.shown(of('toggle-record', '[aria-pressed="false"]'));
  assert.deepEqual(stopped().sort(), ['EG_1', 'EG_2']);
  assert.equal(asked.filter(([method]) => method === 'StartRoomCompositeEgress').length, 1, 'nothing was begun anew');
  // The same server, without the right: it is not even asked.
  const before = asked.length;
  const plain = await join_token('tape', 'edith-2', { grant: { roomAdmin: true }, options: { name: 'Edith' } });
  await tab.page.goto(`${server.http}/demo/`);
  await tab.page.goto(`${server.http}/demo/${query}#token=${plain}`);
  await tab.click(of('open-people'));
  await tab.shown(of('mute-all'));
  assert.deepEqual([await tab.count(of('toggle-record')), asked.length], [0, before], 'without the right');
  await tab.close();
}
