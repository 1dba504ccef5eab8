// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "redis/sentinel/sentinel_client.h"

#include <utility>

namespace confab::redis {

SentinelClient::SentinelClient(Timestamp now, std::vector<Address> sentinels,
                               std::string master_name, Login sentinel_login, Login login,
                               Events events, std::uint64_t seed, Timing timing)
    : client_(now, std::nullopt, std::move(login), std::move(events), seed, timing),
      sentinels_(
          now, std::move(sentinels), std::move(master_name), std::move(sentinel_login),
          [this](Timestamp at, const Address& master, bool is_old) {
              return move(at, master, is_old);
          },
          seed + 2, timing) {}

// What is well stays where it is, whatever one says who has not heard of the last fail-over.
bool SentinelClient::move(Timestamp now, const Address& master, bool is_old) {
    if (is_old && is_up(Line::kCommands) && is_up(Line::kChannels)) return false;
    client_.move(now, master);
    return true;
}

Result<void, Fault> SentinelClient::command(Timestamp now, Words words, Reply done) {
    if (!client_.server())
        return fail(Fault{Fault::Code::kClosed, "no connection to Redis: " + sentinels_.trouble()});
    return client_.command(now, words, std::move(done));
}

std::optional<Dial> SentinelClient::dial(Timestamp now) {
    if (const auto address = sentinels_.dial(now)) return Dial{client_.links(), *address};
    return client_.dial(now);
}

void SentinelClient::connected(Timestamp now, std::size_t link) {
    is_sentinel(link) ? sentinels_.connected(now) : client_.connected(now, link);
}

void SentinelClient::received(Timestamp now, std::size_t link, BytesView bytes) {
    is_sentinel(link) ? sentinels_.received(now, bytes) : client_.received(now, link, bytes);
}

void SentinelClient::closed(Timestamp now, std::size_t link, std::string_view why) {
    is_sentinel(link) ? sentinels_.closed(now, why) : client_.closed(now, link, why);
}

void SentinelClient::advance(Timestamp now) {
    sentinels_.advance(now);
    client_.advance(now);
}

Timestamp SentinelClient::next_deadline() const {
    return earlier(sentinels_.next_deadline(), client_.next_deadline());
}

std::string SentinelClient::take_output(std::size_t link) {
    return is_sentinel(link) ? sentinels_.take_output() : client_.take_output(link);
}

bool SentinelClient::keeps(std::size_t link) const {
    return is_sentinel(link) ? sentinels_.keeps() : client_.keeps(link);
}

std::string SentinelClient::trouble() const {
    if (client_.is_up(Line::kCommands) && client_.is_up(Line::kChannels)) return {};
    return sentinels_.trouble().empty() ? client_.trouble() : sentinels_.trouble();
}

}  // namespace confab::redis
