// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// How long a Peer stood without a new picture of another one.

const kLookMillis = 10;

// The longest time without a new picture of `other`, from now on, but for what this process stood still
// itself: pictures come by way of it.
export function watch_gap(peer, other) {
  const log = () => peer.pictures.get(other.identity);
  const watch = { longest: 0 };
  let last = Date.now();
  let changes = log().changes;
  let looked = last;
  const look = () => {
    const now = Date.now();
    last += Math.max(0, now - looked - 2 * kLookMillis);
    looked = now;
    watch.longest = Math.max(watch.longest, now - last);
    if (log().changes !== changes) [last, changes] = [now, log().changes];
  };
  const timer = setInterval(look, kLookMillis);
  watch.stop = () => {
    clearInterval(timer);
    look();
    return watch.longest;
  };
  return watch;
}
