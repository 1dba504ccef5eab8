// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/nodes/scale_history.h"

#include <array>
#include <charconv>
#include <optional>
#include <string>
#include <string_view>

namespace confab::cluster::nodes {
namespace {

template <typename T>
std::optional<T> number(std::string_view text) {
    T value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

}  // namespace

void ScaleHistory::handle_up(Timestamp now) {
    if (*is_read_) return;
    const std::array<std::string_view, 2> words = {"HGETALL", kKey};
    (void)port_.command(now, words,
                        [forecast = forecast_, is_read = is_read_](
                            Timestamp, const Result<redis::Value, redis::Fault>& reply) {
                            if (!reply || reply->is_error()) return;
                            *is_read = true;
                            for (std::size_t i = 0; i + 1 < reply->items.size(); i += 2) {
                                const auto index = number<std::size_t>(reply->items[i].text);
                                const auto needed = number<double>(reply->items[i + 1].text);
                                if (index && needed) (void)forecast->load({*index, *needed});
                            }
                        });
}

void ScaleHistory::write(Timestamp now, const WeekForecast::Hour& hour) {
    const std::string index = std::to_string(hour.index);
    const std::string needed = std::to_string(hour.needed);
    const std::array<std::string_view, 4> words = {"HSET", kKey, index, needed};
    (void)port_.command(now, words, [](Timestamp, const Result<redis::Value, redis::Fault>&) {});
}

}  // namespace confab::cluster::nodes
