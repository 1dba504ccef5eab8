// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The SRTP of one peer connection (RFC 3711 §1): both directions from the moment at which DTLS gave
// the keys, and what keeps forged packets from costing more than they are worth.
#pragma once

#include <cstdint>
#include <optional>

#include "base/prefetch.h"
#include "base/state/state.h"
#include "base/time.h"
#include "rtc/peer/transport_types.h"
#include "rtc/srtp/receive_context.h"
#include "rtc/srtp/send_context.h"

namespace confab::peer {

struct SrtpCounters {
    std::uint64_t before_keys = 0;
    std::uint64_t failures = 0;   // authentication, replay, malformed
    std::uint64_t throttled = 0;  // not tried
};

class SrtpSession {
  public:
    // More failures than this within a second: what is not of a known stream is not even tried for
    // the rest of it (DES-25).
    static constexpr std::uint32_t kMaxFailuresPerSecond = 100;

    // The engine must outlive the session.
    void start(srtp::Engine& engine, const srtp::MasterKey& local, const srtp::MasterKey& remote);

    // Decrypts one datagram of this kind in place; kNone if it is not authentic.
    Media unprotect(Timestamp now, BytesSpan datagram, Media::Kind kind);

    // Whether the packet could be one of ours; then whether it is one. The first costs two
    // look-ups, the second a decryption; nothing is counted as a failure, and the packet stays as
    // it is.
    bool may_be_from_peer(BytesView datagram, Media::Kind kind);
    bool is_from_peer(BytesView datagram, Media::Kind kind);

    bool has_keys() const { return send_.has_value(); }
    // Null before start().
    srtp::SendContext* sender() { return send_ ? &*send_ : nullptr; }
    void prefetch_sender() const { prefetch_for_write(&send_, sizeof send_); }
    void prefetch_keys() const {
        if (send_) send_->prefetch_keys();
    }
    const SrtpCounters& counters() const { return counters_; }

    // base/state/state.h. load(): into one not started.
    void save(StateWriter& out) const;
    void load(srtp::Engine& engine, StateReader& in);

  private:
    template <typename Self, typename Io>
    static void fields(Self& self, Io& io);

    bool is_shed(Timestamp now, BytesView datagram, Media::Kind kind);
    void note_failure(Timestamp now);

    std::optional<srtp::SendContext> send_;
    std::optional<srtp::ReceiveContext> receive_;
    Timestamp failure_window_;  // when it began
    std::uint32_t failures_in_window_ = 0;
    SrtpCounters counters_;
};

}  // namespace confab::peer
