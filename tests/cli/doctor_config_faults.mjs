// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Mistakes of configurations and of the files that they name. `make` gives the arguments of the doctor.

import fs from 'node:fs';

import { kKey, kSecret } from './doctor_place.mjs';

const of_file = (config) => async (place) => ({ args: ['--config', place.write(await config(place))] });
const with_rtc = (rtc) => (place) => ({ ...place.quiet(), rtc: { ...place.quiet().rtc, ...rtc } });

export const config_faults = [
  { name: 'a key with a typing error', code: 'config-unknown-key', detail: /:3: field udp_prot not found in rtc; did you mean rtc\.udp_port\?/,
    make: of_file(() => `keys: {${kKey}: ${kSecret}}\nrtc:\n  udp_prot: 7882`) },
  { name: 'a port that is no number', code: 'config-invalid', make: of_file((place) => ({ ...place.quiet(), port: 'many' })) },
  { name: 'two ports that are the same', code: 'config-invalid', make: of_file(with_rtc({ tcp_port: 7890 })) },
  { name: 'a log level that does not exist', code: 'config-warning', make: of_file((place) => ({ ...place.quiet(), logging: { level: 'loud' } })) },
  { name: 'no such file', code: 'config-unreadable', make: async () => ({ args: ['--config', '/no/such/confab.yaml'] }) },
  { name: 'no API key', code: 'keys-missing', make: of_file((place) => ({ ...place.quiet(), keys: {} })) },
  { name: 'a secret that can be guessed', code: 'secret-weak', detail: /APIweak/, make: of_file((place) => ({ ...place.quiet(), keys: { APIweak: 'short' } })) },
  { name: 'a file with secrets that all can read', code: 'config-file-mode', make: async (place) => ({ args: ['--config', place.write(place.quiet(), 0o644)] }) },
  { name: 'a key file that all can read', code: 'key-file-mode', make: of_file((place) => {
    const { keys, ...rest } = place.quiet();
    return { ...rest, key_file: place.file_in('keys', Object.entries(keys).map((pair) => pair.join(': ')).join('\n'), 0o644) };
  }) },
  { name: 'TURN over TLS without a domain', code: 'turn-domain-missing', make: of_file((place) => place.quiet_turn({ domain: '' })) },
  { name: 'TURN over TLS without a certificate', code: 'turn-certificate-missing', make: of_file((place) => place.quiet_turn({ cert_file: '', key_file: '' })) },
  { name: 'a certificate that is not there', code: 'certificate-unreadable', make: of_file((place) => place.quiet_turn({ cert_file: '/no/such.pem' })) },
  { name: 'the key of another certificate', code: 'certificate-key-mismatch', make: of_file((place) => place.quiet_turn({ key_file: place.certificate('hook.test').key })) },
  { name: 'a certificate of another name in a file', code: 'certificate-name', detail: /for hook\.test, not for turn\.test/, make: of_file((place) => {
    const { cert, key } = place.certificate('hook.test');
    return place.quiet_turn({ cert_file: cert, key_file: key });
  }) },
  { name: 'a certificate that has ended in a file', code: 'certificate-expired', make: of_file((place) => {
    const { cert, key } = place.certificate('turn.test', { days: -1 });
    return place.quiet_turn({ cert_file: cert, key_file: key });
  }) },
  { name: 'a certificate in a file that ends soon', code: 'certificate-expires-soon', make: of_file((place) => {
    const { cert, key } = place.certificate('turn.test', { days: 5 });
    return place.quiet_turn({ cert_file: cert, key_file: key });
  }) },
  { name: "a certificate's key that all can read", code: 'certificate-key-mode', make: of_file((place) => {
    const { cert, key } = place.certificate('turn.test', { days: 61 });
    fs.chmodSync(key, 0o644);
    return place.quiet_turn({ cert_file: cert, key_file: key });
  }) },
];
