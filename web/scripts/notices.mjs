// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Collects name, version, licence and licence text of every package that ends up in the bundle.
// The build writes them to third-party.txt beside the page and compares with the committed file of
// that page; `npm run notices` builds and renews those files.

import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const marker = 'node_modules/';

/** The folder of the package a bundled file belongs to, or null for files of our own. */
function packageFolder(moduleId) {
  const path = moduleId.replace(/^\0/, '').replace(/\?.*$/, '');
  const at = path.lastIndexOf(marker);
  if (at < 0) return null;
  const parts = path.slice(at + marker.length).split('/');
  const name = parts[0].startsWith('@') ? parts.slice(0, 2).join('/') : parts[0];
  return path.slice(0, at + marker.length) + name;
}

/**
 * Published packages carry code of their own dependencies inside their bundle files, where no module
 * name shows it: so every dependency counts as contained, and theirs too.
 */
function withDependencies(folders) {
  const all = new Set(folders);
  for (const folder of all) { // A set visits what is added while it is walked.
    const { dependencies = {} } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    for (const name of Object.keys(dependencies)) {
      const nested = join(folder, marker, name);
      all.add(existsSync(nested) ? nested : join(root, marker, name));
    }
  }
  return [...all];
}

function licenceText(folder) {
  const file = readdirSync(folder).find((name) => /^(licen[cs]e|copying)/i.test(name));
  return file ? readFileSync(join(folder, file), 'utf8').trim() : '';
}

function describe(folder) {
  const { name, version, license, author } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const by = typeof author === 'string' ? author : (author?.name ?? '');
  return { name, version, license: license ?? 'unknown', by, text: licenceText(folder) };
}

/** Packages with the same licence text share one copy of it. */
function render(packages, page) {
  const rows = packages.map((p) => `| ${p.name} | ${p.version} | ${p.license} |`);
  const texts = new Map();
  for (const p of packages) {
    const text = p.text || `${p.license}${p.by ? `, ${p.by.replace(/\s*[<(].*/, '')}` : ''} (the package carries no licence file)`;
    texts.set(text, [...new Set([...(texts.get(text) ?? []), p.name])]);
  }
  const sections = [...texts].map(([text, names]) => `## ${names.join(', ')}\n\n\`\`\`text\n${text}\n\`\`\`\n`);
  return [
    '<!-- SPDX-FileCopyrightText: confab contributors -->',
    '<!-- SPDX-License-Identifier: Apache-2.0 -->\n',
    `# Third-party software in the ${page}\n`,
    'Written by `npm run notices` from the packages that the bundle contains.\n',
    '| Package | Version | Licence |\n|---|---|---|',
    `${rows.join('\n')}\n`,
    ...sections,
  ].join('\n');
}

/** The Vite plugin; `file` is what is committed for this page. */
export function notices({ file = 'THIRD-PARTY.md', page = 'demo page' } = {}) {
  const committed = join(root, file);
  const folders = new Set();
  return {
    name: 'confab-notices',
    apply: 'build',
    moduleParsed({ id }) {
      const folder = packageFolder(id);
      if (folder && existsSync(join(folder, 'package.json'))) folders.add(folder);
    },
    generateBundle() {
      const packages = withDependencies(folders).map(describe).sort((a, b) => a.name.localeCompare(b.name));
      const text = render(packages, page);
      this.emitFile({ type: 'asset', fileName: 'third-party.txt', source: text });
      if (!existsSync(committed) || readFileSync(committed, 'utf8') !== text) {
        const trouble = `${file} is not up to date: run "npm run notices"`;
        if (process.env.CONFAB_NOTICES === 'renew') this.warn(trouble);
        else this.error(trouble);
      }
    },
  };
}
