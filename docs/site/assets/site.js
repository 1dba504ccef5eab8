// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Search, the menu of narrow windows, light and dark, copying of code. Without it the pages are all there.

const of = (selector) => document.querySelector(selector);
const { home, assets } = document.body.dataset;

// ---- light and dark

of('.theme').addEventListener('click', () => {
  const dark = document.documentElement.dataset.theme
    ? document.documentElement.dataset.theme === 'dark'
    : matchMedia('(prefers-color-scheme: dark)').matches;
  document.documentElement.dataset.theme = dark ? 'light' : 'dark';
  try {
    localStorage.setItem('theme', document.documentElement.dataset.theme);
  } catch {
    // It holds for this page.
  }
});

// ---- the menu

const menu = of('.menu');
function show_menu(shown) {
  menu.setAttribute('aria-expanded', String(shown));
  of('#navigation').classList.toggle('shown', shown);
}
menu.addEventListener('click', () => show_menu(menu.getAttribute('aria-expanded') !== 'true'));

// ---- what is wider than its place scrolls, and is reached by the keyboard then

function mark_wide() {
  for (const box of document.querySelectorAll('pre, .table')) {
    if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
    else box.removeAttribute('tabindex');
  }
}
mark_wide();
addEventListener('resize', mark_wide);

// ---- copying

for (const block of navigator.clipboard ? document.querySelectorAll('.code') : []) {
  const button = document.createElement('button');
  button.type = 'button';
  button.textContent = 'Copy';
  button.addEventListener('click', async () => {
    await navigator.clipboard.writeText(block.querySelector('code').textContent);
    button.textContent = 'Copied';
    setTimeout(() => (button.textContent = 'Copy'), 1500);
  });
  block.append(button);
}

// ---- search

const kMost = 20;
const kAround = 70; // characters before a word that was found
const dialog = of('dialog');
const input = of('dialog input');
const list = of('dialog ol');

// The index is half a megabyte: it comes when somebody searches.
function load_index() {
  if (of('script[data-index]')) return;
  const script = document.createElement('script');
  script.src = `${assets}/index.js`;
  script.dataset.index = '';
  script.addEventListener('load', search);
  document.head.append(script);
}

function open_search() {
  load_index();
  if (!dialog.open) dialog.showModal();
  input.select();
}

// How well a section fits: each word has to be in it, and counts for more in a title. 0: it does not.
function score([, page, title, text], words) {
  let sum = 0;
  const [in_page, in_title, in_text] = [page, title, text].map((one) => one.toLowerCase());
  for (const word of words) {
    const points = (in_title.includes(word) ? 20 : 0) + (in_page.includes(word) ? 8 : 0) + (in_text.includes(word) ? 3 : 0);
    if (points === 0) return 0;
    sum += points + (new RegExp(`(^|[^a-z0-9])${word.replace(/[^a-z0-9]/g, '\\$&')}`).test(`${in_title} ${in_text}`) ? 2 : 0);
  }
  return sum + (title === '' ? 1 : 0);
}

function excerpt(text, words) {
  const at = Math.max(0, Math.min(...words.map((word) => text.toLowerCase().indexOf(word)).filter((one) => one >= 0), text.length));
  const from = Math.max(0, at === text.length ? 0 : at - kAround);
  return (from > 0 ? '…' : '') + text.slice(from, from + 3 * kAround);
}

// The text with the words marked; no HTML is made of it.
function marked(text, words) {
  const pattern = new RegExp(`(${words.map((word) => word.replace(/[^a-z0-9]/g, '\\$&')).join('|')})`, 'i');
  return text.split(pattern).map((part, index) => {
    if (index % 2 === 0) return part;
    const mark = document.createElement('mark');
    mark.textContent = part;
    return mark;
  });
}

function result([place, page, title, text], words) {
  const item = document.createElement('li');
  const link = document.createElement('a');
  link.href = home.replace(/index\.html$/, '') + place;
  const name = document.createElement('b');
  name.append(title ? `${page}: ${title}` : page);
  const shown = document.createElement('span');
  shown.append(...marked(excerpt(text, words), words));
  link.append(name, shown);
  item.append(link);
  return item;
}

function search() {
  const words = input.value.toLowerCase().split(/\s+/).filter((word) => word.length > 1);
  const found = (words.length === 0 ? [] : window.searchIndex ?? [])
    .map((section) => ({ section, points: score(section, words) }))
    .filter((one) => one.points > 0)
    .sort((one, other) => other.points - one.points);
  list.replaceChildren(...found.slice(0, kMost).map((one) => result(one.section, words)));
  of('.found').textContent = words.length === 0 ? '' : `${found.length} found`;
}

// Arrows go through the results as Tab does.
function step(offset) {
  const stops = [input, ...list.querySelectorAll('a')];
  stops[Math.max(0, Math.min(stops.length - 1, stops.indexOf(document.activeElement) + offset))].focus();
}

of('button.search').addEventListener('click', open_search);
input.addEventListener('input', search);
dialog.addEventListener('click', (event) => event.target === dialog && dialog.close());
list.addEventListener('click', () => dialog.close());
dialog.addEventListener('keydown', (event) => {
  if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
    event.preventDefault();
    step(event.key === 'ArrowDown' ? 1 : -1);
  } else if (event.key === 'Enter' && document.activeElement === input) {
    list.querySelector('a')?.click();
  } else if (event.key === 'Escape') {
    event.preventDefault(); // the field would only empty itself
    dialog.close();
  }
});
addEventListener('keydown', (event) => {
  const typing = /^(input|textarea|select)$/i.test(document.activeElement?.tagName ?? '');
  if ((event.key === '/' && !typing && !event.ctrlKey && !event.metaKey) || (event.key === 'k' && (event.ctrlKey || event.metaKey))) {
    event.preventDefault();
    open_search();
  }
});
