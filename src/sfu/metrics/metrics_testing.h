// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Packets of metrics as a client reads them, a line for each metric, for tests.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "sfu/data/data_packet_testing.h"

namespace confab::sfu::test {

inline constexpr std::uint64_t kText = 4096;  // number of the first text of a batch

// "label who track rid xsamples" of each series, "label who track rid!" of each event. A label of
// the list of texts stands there as its text.
inline std::vector<std::string> metrics_in(const ReadMessage& batch) {
    const std::vector<std::string> texts = batch.all(3);
    const auto name = [&](std::uint64_t number) {
        if (number < kText) return number == 0 ? std::string("-") : std::to_string(number);
        return number - kText < texts.size() ? texts[number - kText] : std::string("?");
    };
    std::vector<std::string> lines;
    for (const std::string& one : batch.all(4)) {
        const ReadMessage series(as_bytes(one));
        lines.push_back(name(series.value(1)) + " " + name(series.value(2)) + " " +
                        name(series.value(3)) + " " + name(series.value(5)) + " x" +
                        std::to_string(series.all(4).size()));
    }
    for (const std::string& one : batch.all(5)) {
        const ReadMessage event(as_bytes(one));
        lines.push_back(name(event.value(1)) + " " + name(event.value(2)) + " " +
                        name(event.value(3)) + " " + name(event.value(9)) + "!");
    }
    return lines;
}
inline std::vector<std::string> metrics_of(BytesView packet) {
    return metrics_in(ReadMessage(packet).message(8));
}
inline std::vector<std::string> body_metrics(BytesView body) {
    return metrics_in(ReadMessage(body));
}

}  // namespace confab::sfu::test
