// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Messages that wait for the congestion window, per stream, cut into fragments in round robin over
// the streams (RFC 9260 §6.9, §6.10). A message once begun is finished before the next, since
// DATA fragments need consecutive TSNs. Also keeps the byte accounts of unacknowledged data.
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "base/state/state.h"
#include "base/time.h"
#include "rtc/sctp/shared_bytes.h"
#include "rtc/sctp/types.h"

namespace confab::sctp {

// A part of a message with its place on the stream; shares the message's buffer.
struct Fragment {
    SharedBytes message;
    std::uint32_t offset = 0;
    std::uint32_t size = 0;
    std::uint32_t ppid = 0;
    std::uint16_t stream = 0;
    std::uint16_t ssn = 0;
    bool begin = false;
    bool end = false;
    bool unordered = false;
    bool lossy = false;
    std::optional<std::uint16_t> max_retransmits;
    Timestamp expires = Timestamp::never();

    BytesView payload() const { return message.view().subspan(offset, size); }
};

class SendQueue {
  public:
    struct Limits {
        std::size_t reliable = 0;
        std::size_t lossy = 0;
    };
    explicit SendQueue(Limits limits) : limits_(limits) {}

    // kOk, kQueueFull or kClosed (the stream is being reset).
    SendStatus add(Timestamp now, std::uint16_t stream, std::uint32_t ppid, SharedBytes payload,
                   const SendOptions& options);

    // Bytes left of the message that is next, 0 when none. Drops expired ones on the way unless
    // `keep_expired` (the peer knows no FORWARD-TSN).
    std::size_t prepare(Timestamp now, bool keep_expired);
    // The next fragment of at most `max_size` bytes; call after prepare() gave a size.
    Fragment take(std::size_t max_size);
    // The rest of the message whose fragments go out now is not wanted any more.
    void abandon_current();

    // Sent bytes that need no longer be kept: acknowledged or abandoned.
    void release(const Fragment& fragment);

    // Stream reset: no new messages; drained() when no message waits; then restarted or reopened.
    void close_stream(std::uint16_t stream, bool discard);
    bool drained(std::uint16_t stream) const;
    bool closing(std::uint16_t stream) const;
    void reset_done(std::uint16_t stream, bool performed);

    bool empty() const { return ready_.empty(); }
    std::size_t buffered(std::uint16_t stream) const;
    std::size_t reliable_bytes() const { return reliable_; }
    std::size_t total_bytes() const { return reliable_ + lossy_; }
    void set_low_threshold(std::uint16_t stream, std::size_t bytes);
    // Streams with a threshold whose amount fell to it since the last call.
    std::vector<std::uint16_t> take_low();
    std::vector<std::uint16_t> known_streams() const;
    std::uint64_t expired_messages() const { return expired_; }
    void clear();

    // base/state/state.h. After load() each unacknowledged fragment has to be held.
    void save(StateWriter& out) const;
    void load(StateReader& in);
    void hold(const Fragment& fragment);
    // A part of a message was taken, the rest of it waits.
    bool has_begun() const;

  private:
    template <typename Self, typename Io>
    static void fields(Self& self, Io& io);

    struct Message {
        SharedBytes payload;
        std::uint32_t offset = 0;
        std::uint32_t ppid = 0;
        std::uint16_t ssn = 0;  // assigned with the first fragment
        SendOptions options;
        Timestamp expires = Timestamp::never();
    };
    struct Stream {
        std::list<Message> messages;
        std::size_t buffered = 0;  // waiting and sent, without overhead
        std::optional<std::size_t> low_threshold;
        std::uint16_t next_ssn = 0;
        bool closing = false;
    };

    void drop_front(std::uint16_t id, Stream& stream);
    void account_release(std::uint16_t id, std::size_t bytes, std::size_t overhead, bool lossy);

    Limits limits_;
    std::map<std::uint16_t, Stream> streams_;
    std::set<std::uint16_t> ready_;  // streams with messages
    std::set<std::uint16_t> low_;
    std::optional<std::uint16_t> current_;  // its front message is chosen or partly sent
    std::uint16_t last_served_ = 0xFFFF;
    std::size_t reliable_ = 0;  // with overhead
    std::size_t lossy_ = 0;
    std::uint64_t expired_ = 0;
};

}  // namespace confab::sctp
