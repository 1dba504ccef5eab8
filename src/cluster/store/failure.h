// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Why something was not read from or written to the store.
#pragma once

#include <cstdint>
#include <string>

namespace confab::cluster::store {

struct Failure {
    enum class Code : std::uint8_t {
        kUnavailable,  // no reply: an outage, or too much waits; whether it was done is not known.
                       // Or Redis cannot now
        kRefused,      // Redis let us not, or a key is of another type; the text has the remedy
        kTooLarge,     // a record or an answer beyond its limit
        kInvalid,      // a record that does not decode, an argument that is none
        kBusy,         // a lock is held by somebody else, or a race was lost too often
        kNotFound,
        kOutdated,  // what is stored is newer
    };
    Code code = Code::kUnavailable;
    std::string text;  // for a log and for whoever asked
};

}  // namespace confab::cluster::store
