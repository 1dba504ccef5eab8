// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "rtc/bwe/acknowledged_bitrate.h"

#include <cmath>

namespace confab::bwe {

std::optional<double> AcknowledgedBitrate::sample(Duration arrival, std::uint32_t bytes,
                                                  Duration window) {
    std::optional<double> kbps;
    if (last_ && arrival < *last_) {
        // Back in time: begin anew.
        bytes_ = 0;
        open_ = Duration::zero();
    } else if (last_) {
        const Duration gap = arrival - *last_;
        open_ = open_ + gap;
        if (gap > window) {
            // A window without a packet says nothing of the rate of packets.
            bytes_ = 0;
            open_ = Duration::micros(open_.us() % window.us());
        }
    }
    last_ = arrival;
    if (open_ >= window) {
        kbps = 8 * bytes_ / (static_cast<double>(window.us()) / 1000);
        open_ = open_ - window;
        bytes_ = 0;
    }
    bytes_ += bytes;
    return kbps;
}

void AcknowledgedBitrate::add(Duration arrival, std::uint32_t bytes, bool application_limited) {
    const auto kbps = sample(arrival, bytes, kbps_ < 0 ? kFirstWindow : kWindow);
    if (!kbps) return;
    if (kbps_ <= 0) {
        kbps_ = *kbps;
        return;
    }
    const bool unsure = application_limited && *kbps < kbps_;
    const double scale = unsure ? kUncertaintyLimited : kUncertainty;
    const double off = scale * std::abs(kbps_ - *kbps) / kbps_;
    const double off_variance = off * off;
    const double predicted = variance_ + 5;
    kbps_ = (off_variance * kbps_ + predicted * *kbps) / (off_variance + predicted);
    variance_ = off_variance * predicted / (off_variance + predicted);
}

std::optional<double> AcknowledgedBitrate::bits_per_second() const {
    if (kbps_ < 0) return std::nullopt;
    return kbps_ * 1000;
}

}  // namespace confab::bwe
