// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// How long a Peer stood without a new picture of another one.

// The longest time without a new picture of `other`, from now on.
export function watch_gap(peer, other) {
  const log = () => peer.pictures.get(other.identity);
  const watch = { longest: 0 };
  let last = Date.now();
  let changes = log().changes;
  const look = () => {
    const now = Date.now();
    watch.longest = Math.max(watch.longest, now - last);
    if (log().changes !== changes) [last, changes] = [now, log().changes];
  };
  const timer = setInterval(look, 10);
  watch.stop = () => {
    clearInterval(timer);
    look();
    return watch.longest;
  };
  return watch;
}
