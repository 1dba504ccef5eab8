// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The rows of the table (01 section 7.1), a file per group of sections. Rows with `.later()` or
// made by later() are valid and reported at start as not implemented, those of other() as of no
// effect.
#pragma once

#include <span>
#include <string_view>

#include "config/options.h"

namespace confab::config {

consteval Option used(std::string_view path, Slot (*slot)(Config&), std::string_view help) {
    return {.path = path, .kind = Kind::kNone, .help = help, .slot = slot};
}
consteval Option later(std::string_view path, Kind kind, std::string_view value,
                       std::string_view help) {
    return {
        .path = path, .kind = kind, .help = help, .default_text = value, .status = Status::kLater};
}
// Valid, and for good without effect: what it tunes is made in another way here.
consteval Option other(std::string_view path, Kind kind, std::string_view value,
                       std::string_view why) {
    return {
        .path = path, .kind = kind, .help = why, .default_text = value, .status = Status::kOther};
}
// Deprecated and without effect.
consteval Option dropped(std::string_view path, Kind kind, std::string_view value) {
    return {.path = path,
            .kind = kind,
            .help = "no effect any more",
            .default_text = value,
            .status = Status::kDeprecated};
}

std::span<const Option> node_rows();
std::span<const Option> rtc_rows();
std::span<const Option> congestion_rows();
std::span<const Option> send_side_rows();
std::span<const Option> media_rows();
std::span<const Option> room_rows();
std::span<const Option> cluster_rows();
std::span<const Option> service_rows();
std::span<const Option> tls_rows();
std::span<const Option> own_rows();
std::span<const Option> flood_rows();

}  // namespace confab::config
