// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// The way to a client of a MediaProxy as a link of little bandwidth: what is sent waits for its turn
// and is lost when too much waits. Media pass by.

import { is_dtls } from './media_proxy.mjs';

const kMaxQueue = 300_000; // octets

export function narrow(proxy, bits_per_second) {
  let free_at = 0;
  proxy.to_client = (bytes, pass) => {
    if (!is_dtls(bytes)) return true;
    const now = performance.now();
    const wait = Math.max(0, free_at - now);
    if ((wait / 1000) * bits_per_second > kMaxQueue * 8) return false;
    free_at = now + wait + (bytes.length * 8000) / bits_per_second;
    setTimeout(pass, free_at - now);
    return false;
  };
  return { widen: () => (proxy.to_client = () => true) };
}
