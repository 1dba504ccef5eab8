// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A server's bytes as values, one at a time (RESP3; RESP2 is part of it). What a value may hold is
// bounded: a message beyond that is read past, so that one that is too big for us costs neither
// memory nor the connection.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "redis/value.h"

namespace confab::redis {

enum class ReplyError : std::uint8_t {
    kType,    // a first byte of no type, or of one that no server sends unasked (streamed ones)
    kLine,    // a line that is too long or does not end in CR LF
    kNumber,  // a length, count or integer that is none
    kDepth,   // aggregates too deep in each other
};

class ReplyReader {
  public:
    static constexpr std::size_t kMaxValue = std::size_t{32} << 20;  // bytes, with the tree
    static constexpr std::size_t kMaxLine = 64 * 1024;
    static constexpr std::size_t kMaxDepth = 8;

    explicit ReplyReader(std::size_t max_value = kMaxValue) : max_value_(max_value) {}

    // Takes bytes up to the end of at most one value; nullopt: all were used and more are wanted.
    // After an error nothing that follows means anything.
    Result<std::optional<Value>, ReplyError> read(BytesView& input);

    // For a test of the limits: bytes of the value under way.
    std::size_t bytes_held() const { return held_ + line_.capacity(); }

  private:
    struct Open {
        Value value;
        std::uint64_t missing = 0;  // items
        bool attribute = false;     // said about the value that follows: nothing that we asked for
    };

    Result<bool, ReplyError> take_line(BytesView& input);
    Result<void, ReplyError> take_string(BytesView& input);
    Result<void, ReplyError> begin(std::string_view line);
    Result<void, ReplyError> begin_string(std::string_view length);
    Result<void, ReplyError> begin_aggregate(char type, std::string_view count);
    void end(Value value);
    bool hold(std::size_t bytes);

    std::size_t max_value_;
    std::size_t held_ = 0;
    bool cut_ = false;
    std::string line_;
    Value string_;                      // under way while string_missing_ > 0
    std::uint64_t string_missing_ = 0;  // bytes, with CR LF
    bool string_kept_ = false;
    std::vector<Open> open_;
    std::optional<Value> done_;
};

}  // namespace confab::redis
