// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Languages, the preview, phones, and axe-core's opinion of what is new.

import { assert } from '../lib/suite.mjs';
import { until } from '../lib/wait.mjs';
import { of, Tab } from './demo_tab.mjs';

// Without a finger, which would load the page again.
const kPhone = { width: 360, height: 640 };
const prefers = (tab, name, value) => tab.page.emulateMediaFeatures([{ name, value }]);

export async function form_checks({ suite, server, browsers }) {
  await suite.check('the page speaks English and German, as asked and as chosen [DEMO-03]', async () => {
    const tab = await Tab.open(browsers.third, server.http, '?lang=de', { size: kPhone });
    const language = () => tab.page.evaluate(() => document.documentElement.lang);
    assert.equal(await language(), 'de');
    assert.match(await tab.text(of('join-view')), /Einem Raum beitreten/);
    await tab.fits();
    await tab.accessible('form, German');
    await tab.click(of('language'));
    await tab.shown(of('language', '[data-value="en"]'));
    assert.equal(await language(), 'en');
    assert.match(await tab.text(of('join-view')), /Join a room/);
    await tab.click(of('language'));
    await tab.page.goto(`${server.http}/demo/`);
    await tab.shown(of('join-view'));
    assert.equal(await language(), 'de', 'the choice is remembered');
    tab.calm();
    await tab.close();
  }, { seconds: 40 });

  await suite.check('the preview shows camera and level when asked to, and lets go of both [DEMO-03]', async () => {
    const tab = await Tab.open(browsers.guest, server.http, '?room=preview&name=Ada');
    assert.equal(await tab.count(of('preview-video')), 0, 'nothing is opened unasked');
    await tab.click(of('preview'));
    await tab.plays('.preview');
    await until(async () => (await tab.page.$eval(of('preview-level'), (meter) => meter.value)) > 0.05, { what: 'a level' });
    await tab.accessible('preview');
    const track = await tab.page.$eval(of('preview-video'), (video) => {
      window.previewed = video.srcObject.getTracks()[0];
      return window.previewed.readyState;
    });
    assert.equal(track, 'live');
    await tab.click(of('preview'));
    await until(async () => (await tab.page.evaluate(() => window.previewed.readyState)) === 'ended', { what: 'the camera to be let go of' });
    tab.calm();
    await tab.close();
  }, { seconds: 40 });
}

export async function looks_checks({ suite }, { ada }) {
  await suite.check('a call of a host fits a phone, in German too, dark and light, and keeps still when asked to [DEMO-03]', async () => {
    const before = ada.page.viewport();
    await ada.page.setViewport(kPhone);
    await ada.click(of('language'));
    await ada.shown(of('language', '[data-value="de"]'));
    assert.match(await ada.text(of('open-people')), /Personen/);
    for (const colours of ['dark', 'light']) {
      await prefers(ada, 'prefers-color-scheme', colours);
      for (const panel of ['people', 'invite']) {
        await ada.click(of(`open-${panel}`));
        await ada.fits();
        await ada.accessible(`${panel} of a host, German, ${colours}`);
        await ada.click(of('close-panel'));
      }
      await ada.page.select(of('layout'), 'sidebar');
      await ada.fits();
      await ada.page.select(of('layout'), 'grid');
    }
    for (const width of [640, 770, 960]) {
      await ada.page.setViewport({ width, height: 600 });
      await ada.fits();
    }
    await prefers(ada, 'prefers-reduced-motion', 'reduce');
    const moving = await ada.page.evaluate(() => [...document.querySelectorAll('*')].filter((element) => {
      const { animationName, transitionDuration } = getComputedStyle(element);
      return animationName !== 'none' || !/^0s(, 0s)*$/.test(transitionDuration);
    }).map((element) => element.outerHTML.slice(0, 80)));
    assert.deepEqual(moving, []);
    await ada.page.emulateMediaFeatures([]);
    await ada.click(of('language'));
    await ada.shown(of('language', '[data-value="en"]'));
    await ada.page.setViewport(before);
  }, { seconds: 60 });
}
