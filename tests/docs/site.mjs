// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// The documentation as pages: what builds, what does not, and each page in Chromium: nothing goes to anybody else, no
// link leads nowhere, axe-core has nothing to say, the keyboard suffices, a phone is wide enough.

import { execFile } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';

import { start_chromium } from '../lib/browser.mjs';
import { ROOT } from '../lib/server.mjs';
import { serve_folder } from '../lib/static_server.mjs';
import { assert, Suite } from '../lib/suite.mjs';

const run = promisify(execFile);
const kBuild = path.join(ROOT, 'docs/site/build');
const kAxe = fs.readFileSync(path.join(ROOT, 'tests/node_modules/axe-core/axe.min.js'), 'utf8');
const kPhone = { width: 360, height: 640, isMobile: true, hasTouch: true };
const kDesk = { width: 1280, height: 800 };
// What the reader's eyes need in both colours is looked at on these: code, tables, much of both.
const kInBothColours = ['guide/first-app.html', 'guide/troubleshoot.html', 'quickstart/node.html'];

const files_of = (folder, ending) => fs.readdirSync(folder, { recursive: true }).filter((name) => name.endsWith(ending)).sort();

// A page of Chromium that notes what goes wrong and what is asked of others.
async function open_tab(browser, origin) {
  const page = await browser.newPage();
  const trouble = [];
  page.on('pageerror', (error) => trouble.push(`error: ${error.message}`));
  page.on('console', (message) => ['error', 'warn'].includes(message.type()) && trouble.push(`console: ${message.text()}`));
  page.on('request', (request) => request.url().startsWith(origin) || trouble.push(`request: ${request.url()}`));
  page.on('requestfailed', (request) => trouble.push(`failed: ${request.url()}`));
  page.on('response', (response) => response.status() < 400 || trouble.push(`${response.status()}: ${response.url()}`));
  return { page, trouble };
}

async function axe_says(page) {
  // Not as an element of the page, which its policy would refuse.
  await page.evaluate(kAxe);
  const { violations } = await page.evaluate(() => globalThis.axe.run({ resultTypes: ['violations'] }));
  return violations.map((one) => `${one.id}: ${one.nodes[0].html.slice(0, 120)}`);
}

const seen_by_reader = () => ({
  title: document.title,
  heading: document.querySelectorAll('h1').length,
  ids: [...document.querySelectorAll('[id]')].map((one) => one.id),
  links: [...document.querySelectorAll('a[href]')].map((one) => one.href),
  here: document.querySelectorAll('#navigation [aria-current]').length,
  width: document.scrollingElement.scrollWidth,
});

function assert_links(pages, origin) {
  const wrong = [];
  for (const [name, { links }] of pages) {
    for (const link of links.filter((one) => one.startsWith(origin))) {
      const [place, anchor] = link.slice(origin.length).split('#');
      const there = pages.get(place);
      if (!there) wrong.push(`${name}: ${place}`);
      else if (anchor && !there.ids.includes(decodeURIComponent(anchor))) wrong.push(`${name}: ${place}#${anchor}`);
    }
  }
  assert.deepEqual(wrong, []);
}

// A repository with the pages given, as text by name, and a nav of these: what the builder says of it.
async function built(suite, pages, nav = Object.keys(pages)) {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), 'confab-site-'));
  suite.cleanup(() => fs.rmSync(root, { recursive: true }));
  for (const [name, text] of Object.entries(pages)) {
    fs.mkdirSync(path.dirname(path.join(root, name)), { recursive: true });
    fs.writeFileSync(path.join(root, name), text);
  }
  fs.writeFileSync(path.join(root, 'nav.toml'), `home = "${nav[0]}"\n[[group]]\ntitle = "All"\npages = ${JSON.stringify(nav.slice(1))}\n[search]\nwithout = []\n`);
  const output = path.join(root, 'site');
  const done = await run(kBuild, ['--root', root, '--nav', path.join(root, 'nav.toml'), '--output', output]).catch((error) => error);
  return { said: `${done.stdout ?? ''}${done.stderr ?? ''}`, failed: Boolean(done.code), read: (name) => fs.readFileSync(path.join(output, name), 'utf8') };
}

async function builder_checks(suite) {
  await suite.check('a link that leads nowhere ends the build, and so does a page that nobody finds', async () => {
    const home = 'docs/README.md';
    const wrong = [
      [{ [home]: '# Home\n\n[other](other.md)\n' }, /leads nowhere/],
      [{ [home]: '# Home\n\n[below](#below)\n' }, /leads to no heading/],
      [{ [home]: '# Home\n\n[other](other.md#there)\n', 'docs/other.md': '# Other\n\n## Not there\n' }, /other\.md#there leads to no heading/],
    ];
    for (const [pages, said] of wrong) {
      const result = await built(suite, pages);
      assert.ok(result.failed);
      assert.match(result.said, said);
    }
    const lost = await built(suite, { [home]: '# Home\n', 'docs/lost.md': '# Lost\n' }, [home]);
    assert.match(lost.said, /docs\/lost\.md is not in nav\.toml/);
    const gone = await built(suite, { [home]: '# Home\n' }, [home, 'docs/gone.md']);
    assert.match(gone.said, /docs\/gone\.md is not there/);
  });

  await suite.check('Markdown becomes what the forge shows, and nothing that a policy refuses', async () => {
    const text = '<!-- a note -->\n# Home\n\nText\n- item\n\n| a | b |\n|--:|---|\n| 1 | `<x>` |\n\n## Two words!\n\n## Two words\n\n'
      + '[down](#two-words-1) [file](../script) <b>no</b>\n\n```js\nlet a = "<b>";\n```\n';
    const site = await built(suite, { 'docs/README.md': text, script: '' }, ['docs/README.md']);
    assert.equal(site.failed, false, site.said);
    const html = site.read('index.html');
    for (const part of ['<li>item</li>', '<th class="right">a</th>', '<code>&lt;x&gt;</code>', '<h2 id="two-words">', '<h2 id="two-words-1">',
      'href="#two-words-1"', '<a class="file">file</a>', '&lt;b&gt;no&lt;/b&gt;', '<span class="s2">&quot;&lt;b&gt;&quot;</span>'])
      assert.ok(html.includes(part), `${part} is not in ${html.slice(html.indexOf('<article>'))}`);
    assert.doesNotMatch(html, /a note|style=|onclick|<script>/);
  });
}

async function page_checks(suite, browser, site, origin) {
  const names = files_of(site, '.html');
  const pages = new Map();
  await suite.check('each page: no error, no request to anybody else, one heading, nothing that axe finds', async () => {
    const { page, trouble } = await open_tab(browser, origin);
    await page.setViewport(kDesk);
    const found = [];
    for (const name of names) {
      await page.goto(origin + name, { waitUntil: 'load' });
      const told = await page.evaluate(seen_by_reader);
      pages.set(name, told);
      assert.equal(told.heading, 1, `headings of ${name}`);
      assert.equal(told.here, name === 'index.html' ? 0 : 1, `${name} in the navigation`);
      found.push(...(await axe_says(page)).map((one) => `${name}: ${one}`));
    }
    assert.deepEqual([...trouble, ...found], []);
    assert.equal(new Set([...pages.values()].map((one) => one.title)).size, names.length, 'titles are alike');
    await page.close();
  }, { seconds: 180, needed: true });

  await suite.check('each link leads to a page and a heading of the site', () => assert_links(pages, origin));

  await suite.check('dark as the system or the reader wants it, and legible so', async () => {
    const { page, trouble } = await open_tab(browser, origin);
    const paper = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: 'dark' }]);
    for (const name of kInBothColours) {
      await page.goto(origin + name);
      assert.equal(await paper(), 'rgb(20, 24, 30)');
      assert.deepEqual(await axe_says(page), []);
    }
    await page.click('.theme');
    assert.equal(await paper(), 'rgb(255, 255, 255)');
    await page.goto(`${origin}index.html`);
    assert.equal(await paper(), 'rgb(255, 255, 255)', 'the choice does not hold');
    assert.deepEqual(trouble, []);
    await page.close();
  });

  await suite.check('on a phone nothing is wider than the window, and the menu leads on', async () => {
    const { page } = await open_tab(browser, origin);
    await page.setViewport(kPhone);
    const wide = [];
    for (const name of names) {
      await page.goto(origin + name);
      const { width } = await page.evaluate(seen_by_reader);
      if (width > kPhone.width) wide.push(`${name}: ${width}`);
    }
    assert.deepEqual(wide, []);
    await page.goto(`${origin}guide/install.html`);
    const shown = () => page.$eval('#navigation', (one) => getComputedStyle(one).display !== 'none');
    assert.equal(await shown(), false);
    await page.click('.menu');
    assert.equal(await shown(), true);
    await Promise.all([page.waitForNavigation(), page.click('#navigation details[open] a:not([aria-current])')]);
    await page.close();
  }, { seconds: 60 });
}

const focused = (page) => page.evaluate(() => {
  const one = document.activeElement;
  return one.id || one.className || one.getAttribute('href') || one.tagName.toLowerCase();
});

async function keyboard_checks(suite, browser, origin) {
  await suite.check('by keyboard alone: past the navigation, into the search, to a page, and back', async () => {
    const { page, trouble } = await open_tab(browser, origin);
    await page.setViewport(kDesk);
    await page.goto(`${origin}index.html`);
    await page.keyboard.press('Tab');
    assert.equal(await focused(page), 'skip');
    await page.keyboard.press('Enter');
    assert.equal(await focused(page), 'main');
    await page.keyboard.press('/');
    await page.keyboard.type('sigterm drain');
    await page.waitForSelector('dialog[open] ol li');
    await page.keyboard.press('ArrowDown');
    assert.match(await focused(page), /\.html/);
    await page.keyboard.press('ArrowUp');
    assert.equal(await focused(page), 'input');
    await page.keyboard.press('Escape');
    assert.equal(await page.$('dialog[open]'), null);
    assert.equal(await focused(page), 'main', 'the focus is lost');
    await page.keyboard.press('/');
    await Promise.all([page.waitForNavigation(), page.keyboard.press('Enter')]);
    assert.match(page.url(), /guide\/(operate|cluster|upgrade)\.html/);
    const summary = await page.$('#navigation details:not([open]) summary');
    await summary.focus();
    await page.keyboard.press('Enter');
    assert.equal(await summary.evaluate((one) => one.parentElement.open), true);
    assert.deepEqual(trouble, []);
    await page.close();
  });

  await suite.check('search finds options, errors and words of the text, and says how many', async () => {
    const { page, trouble } = await open_tab(browser, origin);
    await page.goto(`${origin}guide/configure.html`);
    await page.click('button.search');
    const first = async (words) => {
      await page.$eval('dialog input', (input) => (input.value = ''));
      await page.type('dialog input', words);
      await page.waitForFunction((text) => document.querySelector('.found').textContent.endsWith('found') && window.searchIndex
        && document.querySelector('dialog input').value === text, {}, words);
      return page.$$eval('dialog ol a', (links) => links.slice(0, 5).map((one) => one.href));
    };
    for (const [words, place] of [['use_external_ip', /firewall|config/], ['invalid API key', /troubleshoot|errors/], ['webhook replay', /webhooks/],
      ['debian package', /install\.html#the-debian-package/], ['kotlin', /android/]]) {
      const found = await first(words);
      assert.ok(found.some((one) => place.test(one)), `${words}: ${found}`);
    }
    assert.deepEqual(await first('zzzz'), []);
    assert.equal(await page.$eval('.found', (one) => one.textContent), '0 found');
    // Words are text, whatever they look like.
    await first('<img src=x onerror=alert(1)>');
    await first('([*');
    assert.deepEqual(trouble, []);
    assert.deepEqual(await axe_says(page), []);
    await page.close();
  });
}

const suite = new Suite({ limit: 400 });
await suite.run(async () => {
  await builder_checks(suite);
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'confab-site-'));
  suite.cleanup(() => fs.rmSync(folder, { recursive: true }));
  const site = path.join(folder, 'site');
  await suite.check('the site is built', () => run(kBuild, ['--output', site]), { needed: true });
  const origin = await serve_folder(suite, site);
  const browser = await start_chromium(suite);
  await page_checks(suite, browser, site, origin);
  await keyboard_checks(suite, browser, origin);

  await suite.check('opened as files, without any server, it is the same', async () => {
    const home = `${pathToFileURL(site)}/`;
    const { page, trouble } = await open_tab(browser, home);
    await page.goto(`${home}index.html`);
    await page.keyboard.press('/');
    await page.keyboard.type('firewall');
    await page.waitForSelector('dialog[open] ol li');
    await Promise.all([page.waitForNavigation(), page.keyboard.press('Enter')]);
    assert.equal(await page.evaluate(() => getComputedStyle(document.querySelector('header')).position), 'sticky', 'the style');
    assert.deepEqual(trouble, []);
    await page.close();
  });
});
