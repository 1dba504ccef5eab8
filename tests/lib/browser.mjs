// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Starts Debian's Chromium (over CDP) and Firefox ESR (over WebDriver BiDi), fresh profiles.
// Chromium's media without the browser around the page (`whole: false`) take half of the processor;
// a page that asks people for something has to have all of it.
//
// CONFAB_CHROMIUM, CONFAB_FIREFOX  other programs to use

import puppeteer from 'puppeteer-core';

const kChromiumArgs = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--disable-dev-shm-usage',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-background-timer-throttling',
  '--disable-backgrounding-occluded-windows',
  '--disable-renderer-backgrounding',
  '--autoplay-policy=no-user-gesture-required',
];

const kAllow = '--use-fake-ui-for-media-stream';
const kInvented = '--use-fake-device-for-media-stream';

// Camera, microphone and screen: invented ones that may be used, none at all, or ones that every
// page is refused.
const kDevices = { fake: [kAllow, kInvented], none: [kAllow], refused: [kInvented, '--deny-permission-prompts'] };

const kFirefoxPreferences = {
  'media.autoplay.default': 0,
  'media.autoplay.blocking_policy': 0,
  'media.autoplay.block-webaudio': false,
  // An imagined sound card: without any, WebAudio never starts.
  'media.cubeb.force_mock_context': true,
  'media.navigator.permission.disabled': true,
  'media.navigator.streams.fake': true,
  'media.gmp-manager.updateEnabled': false,
  'app.update.enabled': false,
  'datareporting.policy.dataSubmissionEnabled': false,
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
};

const kChromium = { whole: '/usr/bin/chromium', shell: '/usr/bin/chromium-headless-shell' };

const kLaunch = { headless: true, timeout: 60000, protocolTimeout: 60000 };

export async function start_chromium(suite, { args = [], devices = 'fake', whole = true } = {}) {
  const browser = await puppeteer.launch({
    ...kLaunch,
    executablePath: process.env.CONFAB_CHROMIUM ?? (whole ? kChromium.whole : kChromium.shell),
    args: [...kChromiumArgs, ...kDevices[devices], ...args],
  });
  suite.cleanup(() => browser.close());
  return browser;
}

// `any_certificate`: those that nobody vouches for are taken.
export async function start_firefox(suite, { any_certificate = false } = {}) {
  const browser = await puppeteer.launch({
    ...kLaunch,
    browser: 'firefox',
    executablePath: process.env.CONFAB_FIREFOX ?? '/usr/bin/firefox-esr',
    extraPrefsFirefox: kFirefoxPreferences,
    acceptInsecureCerts: any_certificate,
  });
  suite.cleanup(() => browser.close());
  return browser;
}
