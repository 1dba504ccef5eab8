// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// 02 FWD-01, FWD-04, TRAP-14.
#include "sfu/rewrite/munger.h"

#include <algorithm>

#include "base/check.h"

namespace confab::sfu {
namespace {

constexpr std::uint64_t bit_of(std::int64_t number) {
    return std::uint64_t{1} << (number & 63);
}
constexpr std::size_t word_of(std::int64_t number) {
    return static_cast<std::size_t>((number / 64) % (SentWindow::kSize / 64));
}

}  // namespace

void SentWindow::start(std::int64_t number) {
    bits_.fill(0);
    oldest_ = number;
    newest_ = number - 1;
}

bool SentWindow::mark(std::int64_t number) {
    if (number > newest_) {
        if (number - newest_ >= kSize) {
            bits_.fill(0);
        } else {
            for (std::int64_t n = newest_ + 1; n < number; ++n)
                bits_[word_of(n)] &= ~bit_of(n);
        }
        newest_ = number;
        bits_[word_of(number)] |= bit_of(number);
        return true;
    }
    if (!is_free(number)) return false;
    bits_[word_of(number)] |= bit_of(number);
    return true;
}

void SentWindow::mark_all(std::int64_t number, std::int64_t count) {
    CONFAB_DCHECK(all_free_from(number) && count > 0 && count <= 64);
    (void)mark(number);
    newest_ = number + count - 1;
    const std::uint64_t all = ~std::uint64_t{0} >> (64 - count);
    const std::int64_t from = number & 63;
    bits_[word_of(number)] |= all << from;
    if (word_of(newest_) != word_of(number)) bits_[word_of(newest_)] |= all >> (64 - from);
}

bool SentWindow::is_free(std::int64_t number) const {
    if (number > newest_) return true;
    if (number < oldest_ || newest_ - number >= kSize) return false;
    return (bits_[word_of(number)] & bit_of(number)) == 0;
}

void Munger::start(std::int64_t sequence, std::int64_t timestamp) {
    // The source's number is taken as it is (FWD-01), but not where the first packets, if lost,
    // would hide the roll-over from the subscriber for good (RFC 3711 §3.3.1 advises to start below
    // 2^15).
    constexpr std::int64_t kNearWrap = 0x10000 - 1024;
    const std::int64_t low = sequence & 0xFFFF;
    std::int64_t out = (low >= kNearWrap ? low & 0x7FFF : low) + first_skip_;
    if (out > 0xFFFF) out &= 0x7FFF;
    started_ = true;
    newest_in_ = sequence - 1;
    last_sequence_ = out - 1;
    timestamp_offset_ = timestamp - (timestamp & 0xFFFF'FFFF);
    last_timestamp_ = (timestamp & 0xFFFF'FFFF) - 1;
    ranges_.reset(sequence, sequence - out);
    sent_.start(out);
}

void Munger::switch_source(std::int64_t sequence, std::int64_t timestamp,
                           std::int64_t out_timestamp) {
    newest_in_ = sequence - 1;
    ranges_.reset(sequence, sequence - (last_sequence_ + 1));
    timestamp_offset_ = timestamp - out_timestamp;
}

std::optional<Munger::Output> Munger::map(std::int64_t sequence, std::int64_t timestamp,
                                          bool marker) {
    const std::optional<std::int64_t> out = ranges_.map(sequence);
    if (!out || !sent_.mark(*out)) return std::nullopt;
    const Output output{*out, timestamp - timestamp_offset_};
    if (sequence > newest_in_) {
        CONFAB_DCHECK(output.sequence > last_sequence_);  // numbers never go back or repeat
        newest_in_ = sequence;
        last_sequence_ = output.sequence;
        last_timestamp_ = output.timestamp;
        last_marker_ = marker;
    }
    return output;
}

std::optional<Munger::Output> Munger::map_frame(std::int64_t sequence, std::int64_t timestamp,
                                                std::int64_t count, bool marker) {
    CONFAB_DCHECK(sequence > newest_in_);
    const std::int64_t out = sequence - ranges_.offset();
    if (sequence < ranges_.open_from() || !sent_.all_free_from(out)) return std::nullopt;
    sent_.mark_all(out, count);
    CONFAB_DCHECK(out > last_sequence_);
    newest_in_ = sequence + count - 1;
    last_sequence_ = out + count - 1;
    last_timestamp_ = timestamp - timestamp_offset_;
    last_marker_ = marker;
    return Output{out, last_timestamp_};
}

void Munger::drop(std::int64_t sequence) {
    if (!started_ || sequence <= newest_in_) return;
    newest_in_ = sequence;
    // Numbers of lost packets before it stay theirs, also when the source changes.
    last_sequence_ = std::max(last_sequence_, sequence - 1 - ranges_.offset());
    ranges_.exclude(sequence);
}

std::int64_t Munger::insert(std::int64_t timestamp, bool marker) {
    // Holes before the newest source packet stay open: the own packet comes behind them.
    const std::int64_t out = newest_in_ + 1 - ranges_.offset();
    ranges_.insert(newest_in_ + 1, 1);
    const bool unused = sent_.mark(out);
    CONFAB_DCHECK(unused);
    last_sequence_ = out;
    last_timestamp_ = timestamp;
    last_marker_ = marker;
    return out;
}

}  // namespace confab::sfu
