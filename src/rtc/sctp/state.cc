// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Stream resets, events not yet taken and data channels as bytes (base/state/state.h).
#include "base/state/state.h"

#include "rtc/sctp/data_channels.h"
#include "rtc/sctp/event_queue.h"
#include "rtc/sctp/limits.h"
#include "rtc/sctp/stream_resets.h"

namespace confab::sctp {
namespace {

constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kMaxStreams = 65536;
constexpr std::size_t kMaxAnswers = 8;
constexpr std::size_t kMaxPayload = std::size_t{1} << 30;  // the bytes that are there are fewer

// ---------------------------------------------------------------- of the association
template <typename Io, typename E>
void content(Io& io, E& event) {
    using T = std::remove_const_t<E>;
    if constexpr (std::is_same_v<T, MessageReceived>) {
        io.field(2, event.stream);
        io.field(3, event.ppid);
        io.field(4, event.payload, kMaxPayload);
    } else if constexpr (std::is_same_v<T, StreamResetDone>) {
        io.field(2, event.stream);
        io.field(3, event.performed);
    } else if constexpr (std::is_same_v<T, Aborted>) {
        io.choice(2, event.reason, AbortReason::kLocalAbort);
        io.choice(3, event.cause, static_cast<wire::sctp::Cause>(0xFFFF));
    } else if constexpr (std::is_same_v<T, MessageTooLarge> || std::is_same_v<T, StreamReset> ||
                         std::is_same_v<T, BufferedAmountLow>) {
        io.field(2, event.stream);
    }
}

template <typename Io, typename O>
void option_fields(Io& io, O& options) {
    io.field(1, options.label, kMaxLabelSize);
    io.field(2, options.protocol, kMaxLabelSize);
    io.field(3, options.ordered);
    io.field(4, options.max_retransmits);
    io.field(5, options.lifetime);
}

// ---------------------------------------------------------------- of the channels
template <typename Io, typename E>
void channel_content(Io& io, E& event) {
    using T = std::remove_const_t<E>;
    if constexpr (std::is_same_v<T, ChannelOpened>) {
        io.field(2, event.id);
        io.record(3, [&event](auto& inner) { option_fields(inner, event.options); });
        io.field(4, event.incoming);
    } else if constexpr (std::is_same_v<T, ChannelMessage>) {
        io.field(2, event.id);
        io.field(3, event.binary);
        io.field(4, event.payload, kMaxPayload);
    } else if constexpr (std::is_same_v<T, ChannelClosed>) {
        io.field(2, event.id);
        io.choice(3, event.reason, ChannelCloseReason::kMessageTooLarge);
    } else if constexpr (std::is_same_v<T, ChannelBufferLow>) {
        io.field(2, event.id);
    } else if constexpr (std::is_same_v<T, AssociationFailed>) {
        io.choice(2, event.reason, AbortReason::kLocalAbort);
        io.field(3, event.graceful);
    }
}

}  // namespace

template <typename Self, typename Io>
void EventQueue::fields(Self& self, Io& io) {
    io.list(1, self.events_, kMaxEvents + 1, [](auto& inner, auto& event) {
        alternative(inner, event);
        std::visit([&inner](auto& one) { content(inner, one); }, event);
    });
}
void EventQueue::save(StateWriter& out) const {
    fields(*this, out);
}
void EventQueue::load(StateReader& in) {
    fields(*this, in);
    for (const Event& event : events_)
        bytes_ += cost(event);
}

template <typename Self, typename Io>
void StreamResets::fields(Self& self, Io& io) {
    io.numbers(1, self.wanted_, kMaxStreams);
    io.maybe(2, self.request_, [](auto& inner, auto& request) {
        inner.field(1, request.sequence);
        inner.field(2, request.last_tsn);
        inner.numbers(3, request.streams, kMaxResetStreams);
        inner.field(4, request.deadline);
        inner.field(5, request.send);
        inner.field(6, request.in_progress);
        inner.field(7, request.waited);
    });
    io.field(3, self.next_sequence_);
    io.field(4, self.expected_);
    io.choice(5, self.last_result_, wire::sctp::ResetResult::kInProgress);
    io.maybe(6, self.deferred_, [](auto& inner, auto& deferred) {
        inner.field(1, deferred.sequence);
        inner.field(2, deferred.last_tsn);
        inner.numbers(3, deferred.streams, kMaxStreams);
        inner.numbers(4, deferred.earlier, kMaxAnswers);
    });
    io.list(7, self.answers_, kMaxAnswers, [](auto& inner, auto& answer) {
        inner.field(1, answer.response_sequence);
        inner.choice(2, answer.result, wire::sctp::ResetResult::kInProgress);
    });
    io.field(8, self.done_last_tsn_);
    io.numbers(9, self.done_, kMaxStreams);
}
void StreamResets::save(StateWriter& out) const {
    fields(*this, out);
}
void StreamResets::load(StateReader& in) {
    fields(*this, in);
}

struct DataChannels::Fields {
    template <typename Self, typename Io>
    static void all(Self& self, Io& io) {
        state_version(io, kVersion);
        io.field(2, self.dtls_client_);
        io.part(3, self.association_);
        io.map(4, self.channels_, kMaxChannels, [](auto& inner, auto& channel) {
            inner.record(2, [&channel](auto& options) { option_fields(options, channel.options); });
            inner.choice(3, channel.state, State::kClosing);
            inner.field(4, channel.acknowledged);
            inner.field(5, channel.reset_out);
            inner.field(6, channel.reset_in);
            inner.field(7, channel.replaced);
        });
        io.list(5, self.events_, kMaxEvents + 1, [](auto& inner, auto& event) {
            alternative(inner, event);
            std::visit([&inner](auto& one) { channel_content(inner, one); }, event);
        });
        io.field(6, self.output_pending_);
        io.field(7, self.refused_);
        io.field(8, self.dropped_);
        io.part(9, self.late_);
    }
};
void DataChannels::save(StateWriter& out) const {
    Fields::all(*this, out);
}
void DataChannels::load(StateReader& in) {
    now_ = in.now();
    Fields::all(*this, in);
    set_kept(*this, 0);
}

}  // namespace confab::sctp
