// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What is counted of data tracks where they are published (02 DT-04), by the numbers of their
// packets. Counts only grow.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

namespace confab::sfu {

struct DataTrackFigures {
    std::uint64_t packets = 0;
    std::uint64_t bytes = 0;
    std::uint64_t frames = 0;        // whose last packet came
    std::uint64_t lost = 0;          // numbers left out, some of which may come late
    std::uint64_t out_of_order = 0;  // came late, or again

    void merge(const DataTrackFigures& other) {
        packets += other.packets;
        bytes += other.bytes;
        frames += other.frames;
        lost += other.lost;
        out_of_order += other.out_of_order;
    }
};

// Where one track is.
class DataTrackMeter {
  public:
    void count(std::uint16_t sequence, bool ends_frame, std::size_t bytes,
               DataTrackFigures& figures) {
        ++figures.packets;
        figures.bytes += bytes;
        if (ends_frame) ++figures.frames;
        const auto ahead = static_cast<std::int16_t>(
            static_cast<std::uint16_t>(sequence - last_.value_or(sequence - 1U)));
        if (ahead <= 0) {
            ++figures.out_of_order;
            return;
        }
        figures.lost += static_cast<std::uint64_t>(ahead - 1);
        last_ = sequence;
    }

  private:
    std::optional<std::uint16_t> last_;
};

}  // namespace confab::sfu
