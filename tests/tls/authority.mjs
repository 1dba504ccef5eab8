// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Certificates of the suite's own authority, which Node.js trusts.

import { execFileSync } from 'node:child_process';
import { createHash, X509Certificate } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const kFolder = process.env.CONFAB_TEST_AUTHORITY;
const kConfig = `[ca]
default_ca = ours
[ours]
new_certs_dir = .
database = index.txt
rand_serial = yes
default_md = sha256
policy = any
unique_subject = no
copy_extensions = copy
[any]
commonName = optional
`;

// As openssl writes times: 20300102030405Z.
const written = (date) => `${date.toISOString().replace(/[-:T]|\.\d+/g, '')}`;

function openssl(...args) {
  return execFileSync('openssl', args, { cwd: kFolder, stdio: 'pipe' });
}

export class Authority {
  #suite;
  #next = 0;

  constructor(suite) {
    this.#suite = suite;
    fs.writeFileSync(path.join(kFolder, 'ca.cnf'), kConfig);
    fs.writeFileSync(path.join(kFolder, 'index.txt'), '');
  }

  get file() {
    return path.join(kFolder, 'ca.pem');
  }

  // A folder that goes with the suite.
  folder() {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'confab-tls-'));
    this.#suite.cleanup(() => fs.rmSync(folder, { recursive: true }));
    return folder;
  }

  // The certificate of a request, in seconds from now.
  sign(request_file, { begin = -3600, end = 3600 } = {}) {
    const out = path.join(kFolder, `signed-${this.#next++}.pem`);
    const at = (seconds) => written(new Date(Date.now() + seconds * 1000));
    openssl('ca', '-batch', '-config', 'ca.cnf', '-cert', 'ca.pem', '-keyfile', 'ca.key', '-notext',
      '-in', request_file, '-out', out, '-startdate', at(begin), '-enddate', at(end));
    return fs.readFileSync(out, 'utf8');
  }

  // {cert, key} as PEM for these names.
  issue(names, life = {}) {
    const [key, request] = ['key', 'csr'].map((kind) => path.join(kFolder, `${kind}-${this.#next++}.pem`));
    openssl('req', '-new', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', key, '-out', request,
      '-subj', `/CN=${names[0]}`, '-addext', `subjectAltName=${names.map((name) => `DNS:${name}`).join()}`);
    return { cert: this.sign(request, life), key: fs.readFileSync(key, 'utf8') };
  }
}

// Writes both as an operator's tool should: beside, then renamed.
export function write_pair(folder, { cert, key }) {
  const files = { cert_file: path.join(folder, 'cert.pem'), key_file: path.join(folder, 'key.pem') };
  for (const [file, text] of [[files.key_file, key], [files.cert_file, cert]]) {
    fs.writeFileSync(`${file}.new`, text, { mode: 0o600 });
    fs.renameSync(`${file}.new`, file);
  }
  return files;
}

// What Chromium's --ignore-certificate-errors-spki-list takes: it trusts this key and no other.
export function spki_of(cert) {
  const key = new X509Certificate(cert).publicKey.export({ type: 'spki', format: 'der' });
  return createHash('sha256').update(key).digest('base64');
}
