// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A soak as SVG: one panel per figure, over time.
#pragma once

#include <algorithm>
#include <array>
#include <cstdio>
#include <string>
#include <vector>

#include "bench/soak_samples.h"

namespace confab::bench {

class SoakPlot {
  public:
    explicit SoakPlot(const std::vector<SoakSample>& samples) : samples_(samples) {}

    std::string draw(const std::string& title) const {
        constexpr std::array kPanels{2U, 3U, 4U, 5U};  // of kSoakSeries
        const double height = kTop + static_cast<double>(kPanels.size()) * (kHeight + kGap) + 6;
        std::string out = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"" +
                          text(kLeft + kWidth + 16) + "\" height=\"" + text(height) +
                          "\" font-family=\"sans-serif\" font-size=\"11\">\n"
                          "<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n" +
                          label(kLeft, 14, title, "start");
        for (std::size_t i = 0; i < kPanels.size(); ++i)
            out += panel(kSoakSeries[kPanels[i]],
                         kTop + static_cast<double>(i) * (kHeight + kGap) + 8);
        return out + "</svg>\n";
    }

  private:
    static constexpr double kWidth = 640;
    static constexpr double kHeight = 90;
    static constexpr double kLeft = 56;
    static constexpr double kTop = 28;
    static constexpr double kGap = 34;

    static std::string text(double value) {
        std::array<char, 32> buffer{};
        (void)std::snprintf(buffer.data(), buffer.size(), "%.1f", value);
        return buffer.data();
    }
    static std::string label(double x, double y, const std::string& what, const char* anchor) {
        return "<text x=\"" + text(x) + "\" y=\"" + text(y) + "\" text-anchor=\"" + anchor + "\">" +
               what + "</text>\n";
    }
    // From zero: what is flat has to look flat.
    std::string panel(const SoakSeries& series, double top) const {
        double most = 1;
        for (const SoakSample& sample : samples_)
            most = std::max(most, 1.1 * sample.*series.field);
        const double last = samples_.empty() ? 1 : std::max(1.0, samples_.back().seconds);
        const double bottom = top + kHeight;
        std::string out = "<rect x=\"" + text(kLeft) + "\" y=\"" + text(top) + "\" width=\"" +
                          text(kWidth) + "\" height=\"" + text(kHeight) +
                          "\" fill=\"#f6f8fa\"/>\n<polyline fill=\"none\" stroke=\"#1f6feb\" "
                          "points=\"";
        for (const SoakSample& sample : samples_)
            out += text(kLeft + kWidth * sample.seconds / last) + "," +
                   text(bottom - kHeight * sample.*series.field / most) + " ";
        out += "\"/>\n" + label(kLeft, top - 4, series.name, "start");
        for (const double part : {0.0, 0.5, 1.0}) {
            out += label(kLeft - 4, bottom - kHeight * part + 4, text(part * most), "end");
            out += label(kLeft + kWidth * part, bottom + 13, text(part * last) + " s", "middle");
        }
        return out;
    }

    const std::vector<SoakSample>& samples_;
};

}  // namespace confab::bench
