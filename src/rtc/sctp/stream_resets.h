// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The bookkeeping of stream resets in both directions (RFC 6525 §5): our requests one at a time
// with their retransmission, the peer's requests with their answers, and one that waits until all
// its data has come.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <vector>

#include "base/state/state.h"
#include "base/time.h"
#include "wire/sctp/sctp_reconfig.h"

namespace confab::sctp {

class StreamResets {
  public:
    explicit StreamResets(std::uint32_t initial_tsn) : next_sequence_(initial_tsn) {}
    void set_peer_initial_tsn(std::uint32_t tsn) { expected_ = tsn; }

    // ------------------------------------------------------------ ours
    void want(std::uint16_t stream) { wanted_.insert(stream); }
    bool idle() const { return wanted_.empty() && !request_; }
    // Starts a request for the wanted streams that `is_drained`; nothing while one is under way.
    void start(std::uint32_t last_tsn, Timestamp now, Duration rto,
               const std::function<bool(std::uint16_t)>& is_drained);
    struct Outcome {
        std::vector<std::uint16_t> streams;
        bool performed = false;
    };
    // The streams whose reset was answered; nullopt for an answer to nothing or "in progress".
    std::optional<Outcome> handle_response(const wire::sctp::ResetResponse& response);
    // True when the request goes out again because it was not answered; `in progress` answers do
    // not count as silence. Behind a second one it has the next number: libwebrtc tells nothing by
    // itself when the data have come, and repeats what it answered to a number. Others do tell,
    // and would do a new number anew.
    bool handle_timeout(Timestamp now, Duration rto);
    Timestamp deadline() const { return request_ ? request_->deadline : Timestamp::never(); }

    // ------------------------------------------------------------ the peer's
    enum class Action : std::uint8_t { kAnswered, kResetIncoming, kResetOutgoing };
    // Decides on one request and queues the answer. kResetIncoming: reset the incoming streams
    // now; kResetOutgoing: the peer asks us to reset ours. `last_tsn` is unwrapped.
    Action handle_request(const wire::sctp::ResetRequestView& request, std::int64_t last_tsn,
                          std::int64_t cumulative);
    // The waiting requests whose data has come; queues their answers. Empty list: all streams.
    std::optional<std::vector<std::uint16_t>> take_deferred(std::int64_t cumulative);

    // Writes at most one RE-CONFIG chunk; false when none was due or it does not fit.
    bool write(wire::sctp::PacketWriter& packet);
    bool has_output() const { return !answers_.empty() || (request_ && request_->send); }
    void clear();

    // base/state/state.h
    void save(StateWriter& out) const;
    void load(StateReader& in);

  private:
    template <typename Self, typename Io>
    static void fields(Self& self, Io& io);

    struct Request {
        std::uint32_t sequence = 0;
        std::uint32_t last_tsn = 0;
        std::vector<std::uint16_t> streams;
        Timestamp deadline;
        bool send = true;
        bool in_progress = false;
        bool waited = false;  // its number was answered so before it was repeated, too
    };
    // What waits is one, whatever it was asked for by.
    struct Deferred {
        std::uint32_t sequence = 0;  // the newest
        std::int64_t last_tsn = 0;
        std::set<std::uint16_t> streams;     // none: all
        std::vector<std::uint32_t> earlier;  // numbers to be answered, too
    };
    bool may_defer(const wire::sctp::ResetRequestView& request) const;
    bool was_done(const wire::sctp::ResetRequestView& request, std::int64_t last_tsn) const;
    void defer(const wire::sctp::ResetRequestView& request, std::int64_t last_tsn);
    void answer(std::uint32_t sequence, wire::sctp::ResetResult result);

    std::set<std::uint16_t> wanted_;
    std::optional<Request> request_;
    std::uint32_t next_sequence_;

    std::uint32_t expected_ = 0;
    wire::sctp::ResetResult last_result_ = wire::sctp::ResetResult::kNothingToDo;
    std::optional<Deferred> deferred_;
    // What was done last: libwebrtc asks for it again where it has not heard of that.
    std::int64_t done_last_tsn_ = -1;
    std::set<std::uint16_t> done_;
    std::vector<wire::sctp::ResetResponse> answers_;
};

}  // namespace confab::sctp
