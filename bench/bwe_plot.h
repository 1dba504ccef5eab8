// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Rates over time as SVG: one panel above the other, each with the capacity as an area, a line per
// flow and the first flow's estimate dashed.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdio>
#include <string>
#include <vector>

namespace bench {

struct Panel {
    std::string title;
    std::vector<double> capacity;  // bits per second, each second
    std::vector<std::vector<double>> rates;
    std::vector<double> estimate;
};

inline constexpr double kPlotWidth = 640;
inline constexpr double kPanelHeight = 150;
inline constexpr double kPlotLeft = 48;
inline constexpr double kPlotTop = 28;
inline constexpr double kPanelGap = 34;

inline std::string number(double value) {
    std::array<char, 32> text{};
    const int size = std::snprintf(text.data(), text.size(), "%.1f", value);
    return std::string(text.data(), static_cast<std::size_t>(size));
}

struct Scale {
    double top = 0;   // of the panel
    double most = 1;  // bits per second
    std::size_t count = 1;
    double x(std::size_t second) const {
        return kPlotLeft + kPlotWidth * static_cast<double>(second) / static_cast<double>(count);
    }
    double y(double rate) const { return top + kPanelHeight * (1 - std::min(rate, most) / most); }
};

inline std::string line(const Scale& scale, const std::vector<double>& values) {
    std::string points;
    for (std::size_t s = 0; s < values.size(); ++s)
        points += number(scale.x(s)) + "," + number(scale.y(values[s])) + " ";
    return points;
}

inline std::string label(double x, double y, const std::string& text, const char* anchor) {
    return "<text x=\"" + number(x) + "\" y=\"" + number(y) + "\" text-anchor=\"" + anchor + "\">" +
           text + "</text>\n";
}

inline std::string draw(const Panel& panel, const Scale& scale) {
    constexpr std::array kColours{"#1f6feb", "#d1570a", "#1a7f37", "#8250df", "#bf3989"};
    const double bottom = scale.top + kPanelHeight;
    std::string out =
        "<polygon fill=\"#d0d7de\" points=\"" + number(scale.x(0)) + "," + number(bottom) + " ";
    for (std::size_t s = 0; s < panel.capacity.size(); ++s)
        out += number(scale.x(s)) + "," + number(scale.y(panel.capacity[s])) + " " +
               number(scale.x(s + 1)) + "," + number(scale.y(panel.capacity[s])) + " ";
    out += number(scale.x(panel.capacity.size())) + "," + number(bottom) + "\"/>\n";
    for (std::size_t i = 0; i < panel.rates.size(); ++i)
        out += "<polyline fill=\"none\" stroke=\"" + std::string(kColours[i % kColours.size()]) +
               "\" points=\"" + line(scale, panel.rates[i]) + "\"/>\n";
    out += "<polyline fill=\"none\" stroke=\"#57606a\" stroke-dasharray=\"3 3\" points=\"" +
           line(scale, panel.estimate) + "\"/>\n";
    out += label(kPlotLeft, scale.top - 4, panel.title, "start");
    for (const double part : {0.0, 0.5, 1.0})
        out += label(kPlotLeft - 4, scale.y(part * scale.most) + 4, number(part * scale.most / 1e6),
                     "end");
    for (std::size_t s = 0; s <= scale.count; s += 20)
        out += label(scale.x(s), bottom + 13, std::to_string(s), "middle");
    return out;
}

// Mbit/s over seconds. What is beyond 1.3 of the greatest rate or capacity shown is cut.
inline std::string plot(const std::string& title, const std::vector<Panel>& panels) {
    double most = 0;
    std::size_t count = 1;
    for (const Panel& panel : panels) {
        count = std::max(count, panel.capacity.size());
        for (const auto& rates : panel.rates)
            for (const double rate : rates)
                most = std::max(most, 1.3 * rate);
        for (const double capacity : panel.capacity)
            if (capacity < 10e6) most = std::max(most, 1.1 * capacity);
    }
    const double height =
        kPlotTop + static_cast<double>(panels.size()) * (kPanelHeight + kPanelGap) + 6;
    std::string out = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"" +
                      number(kPlotLeft + kPlotWidth + 16) + "\" height=\"" + number(height) +
                      "\" font-family=\"sans-serif\" font-size=\"11\">\n"
                      "<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n";
    out += label(kPlotLeft, 12, title + " (Mbit/s, seconds)", "start");
    for (std::size_t i = 0; i < panels.size(); ++i) {
        Scale scale;
        scale.top = kPlotTop + static_cast<double>(i) * (kPanelHeight + kPanelGap) + 8;
        scale.most = most;
        scale.count = count;
        out += draw(panels[i], scale);
    }
    return out + "</svg>\n";
}

}  // namespace bench
