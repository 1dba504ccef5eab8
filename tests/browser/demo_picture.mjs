// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// The picture of the demo page in the documents: four people in a call, three with drawn cameras.

import { of, Tab, tile_of } from './demo_tab.mjs';

const kSize = { width: 1280, height: 760, deviceScaleFactor: 1 };
export const kPeople = [
  { name: 'Ada', hues: [222, 262], skin: '#e8b796', hair: '#3a2418', shirt: '#2f6f8f' },
  { name: 'Grace', hues: [168, 205], skin: '#f1c9a5', hair: '#6b6f78', shirt: '#273a63' },
  { name: 'Barbara' },
  { name: 'Alan', hues: [20, 345], skin: '#d9a074', hair: '#21170f', shirt: '#4d5a3a' },
];
const kTalk = [
  ['Grace', 'Does everybody hear me?'],
  ['Ada', 'Loud and clear!'],
  ['Alan', 'Yes. Shall we start?'],
];

// Runs in the page, before its scripts: the camera is a canvas with a person in a room.
export function draw_camera({ hues, skin, hair, shirt }) {
  const canvas = document.createElement('canvas');
  Object.assign(canvas, { width: 1280, height: 720 });
  const context = canvas.getContext('2d');
  const disc = (x, y, rx, ry, colour) => {
    context.fillStyle = colour;
    context.beginPath();
    context.ellipse(x, y, rx, ry, 0, 0, 7);
    context.fill();
  };
  const light = (x, y, radius, colour) => {
    const glow = context.createRadialGradient(x, y, 0, x, y, radius);
    glow.addColorStop(0, colour);
    glow.addColorStop(1, 'transparent');
    context.fillStyle = glow;
    context.fillRect(0, 0, 1280, 720);
  };
  let turn = 0;
  setInterval(() => {
    turn += 0.05;
    const sway = 8 * Math.sin(turn);
    const wall = context.createLinearGradient(0, 0, 1280, 720);
    wall.addColorStop(0, `hsl(${hues[0]} 38% 34%)`);
    wall.addColorStop(1, `hsl(${hues[1]} 42% 20%)`);
    context.fillStyle = wall;
    context.fillRect(0, 0, 1280, 720);
    light(260, 140, 420, `hsl(${hues[0]} 80% 80% / 45%)`);
    light(1080, 560, 500, `hsl(${hues[1]} 80% 70% / 25%)`);
    disc(640 + sway / 2, 760, 330, 250, shirt);
    disc(640 + sway, 290, 152, 178, hair);
    disc(640 + sway, 500, 62, 90, skin);
    disc(640 + sway, 330, 122, 152, skin);
    context.save();
    context.beginPath();
    context.rect(480, 120, 320, 150);
    context.clip();
    disc(640 + sway, 290, 152, 150, hair);
    context.restore();
    for (const side of [-1, 1]) disc(640 + sway + side * 48, 325, 11, 9, '#1d1a1a');
    context.strokeStyle = '#7a3b34';
    context.lineWidth = 7;
    context.lineCap = 'round';
    context.beginPath();
    context.arc(640 + sway, 385, 44, 0.5, Math.PI - 0.5);
    context.stroke();
  }, 1000 / 15);
  const devices = navigator.mediaDevices;
  const real = devices.getUserMedia.bind(devices);
  devices.getUserMedia = async (wanted) => {
    if (!wanted.video) return real(wanted);
    return new MediaStream(canvas.captureStream(15).getVideoTracks());
  };
}

async function say(tab, text) {
  await tab.page.focus(of('chat-input'));
  await tab.page.keyboard.type(text);
  await tab.page.keyboard.press('Enter');
}

export async function take_picture({ browser, server }, file) {
  const tabs = {};
  for (const person of kPeople) {
    const sound = person.name === 'Grace' ? 1 : 0;
    const query = `?room=garden&name=${person.name}&autojoin=1&audio=${sound}&video=${person.hues ? 1 : 0}`;
    const prepare = person.hues && [draw_camera, person];
    tabs[person.name] = await Tab.open(browser, server.http, query, { size: kSize, prepare });
    await tabs[person.name].click(of('open-chat'));
  }
  for (const name of ['Grace', 'Alan']) await tabs.Ada.plays(tile_of(name));
  for (const [name, text] of kTalk) {
    await say(tabs[name], text);
    await tabs.Ada.page.waitForFunction((wanted) => document.body.innerText.includes(wanted), {}, text);
  }
  await tabs.Ada.page.evaluate(() => document.activeElement.blur());
  await tabs.Ada.shown(tile_of('Grace', '[data-speaking="true"]'));
  await tabs.Ada.page.screenshot({ path: file });
  for (const tab of Object.values(tabs)) await tab.close();
}
