// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What a server holds, looked at again and again: from /proc, and from its metrics.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "bench/server_process.h"

namespace confab::bench {

struct SoakSample {
    double seconds = 0;
    double joins = 0;
    double memory = 0;  // resident, MB
    double descriptors = 0;
    double timers = 0;  // of media workers
    double peers = 0;
    double participants = 0;
    double packets = 0;  // in use
};

struct SoakSeries {
    const char* name;
    double SoakSample::* field;
};
inline constexpr std::array<SoakSeries, 8> kSoakSeries{{
    {"seconds", &SoakSample::seconds},
    {"joins", &SoakSample::joins},
    {"memory_mb", &SoakSample::memory},
    {"descriptors", &SoakSample::descriptors},
    {"timers", &SoakSample::timers},
    {"peers", &SoakSample::peers},
    {"participants", &SoakSample::participants},
    {"packets_in_use", &SoakSample::packets},
}};

// The text of GET /metrics; empty if it does not come within two seconds.
inline std::string read_metrics(std::uint16_t port) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const timeval limit{2, 0};
    (void)::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    void* const raw = &address;
    const std::string request =
        "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    std::string text;
    if (::connect(fd, static_cast<sockaddr*>(raw), sizeof address) == 0 &&
        ::send(fd, request.data(), request.size(), MSG_NOSIGNAL) > 0) {
        std::array<char, 16 * 1024> buffer;
        for (ssize_t size; (size = ::recv(fd, buffer.data(), buffer.size(), 0)) > 0;)
            text.append(buffer.data(), static_cast<std::size_t>(size));
    }
    ::close(fd);
    return text;
}

// The sum of all series of a name.
inline double metric_of(const std::string& text, std::string_view name) {
    double sum = 0;
    for (std::size_t at = 0; (at = text.find(name, at)) != std::string::npos; at += name.size()) {
        const std::size_t behind = at + name.size();
        if (text[at - 1] != '\n' || (text[behind] != '{' && text[behind] != ' ')) continue;
        const std::size_t end = text.find('\n', behind);
        const std::size_t value = text.rfind(' ', end);
        sum += std::strtod(text.c_str() + value, nullptr);
    }
    return sum;
}

inline SoakSample look_at(const ServerProcess& server, double seconds, std::size_t joins) {
    SoakSample sample;
    sample.seconds = seconds;
    sample.joins = static_cast<double>(joins);
    sample.memory = server.rss() / 1024;
    std::error_code error;
    const std::string folder = "/proc/" + std::to_string(server.pid()) + "/fd";
    for ([[maybe_unused]] const auto& one : std::filesystem::directory_iterator(folder, error))
        ++sample.descriptors;
    const std::string metrics = read_metrics(server.ports.http);
    sample.timers = metric_of(metrics, "confab_worker_timers");
    sample.peers = metric_of(metrics, "confab_peers");
    sample.participants = metric_of(metrics, "livekit_participant_total");
    sample.packets = metric_of(metrics, "confab_packets_in_use");
    return sample;
}

inline bool write_csv(const std::string& path, const std::vector<SoakSample>& samples) {
    std::FILE* const file = std::fopen(path.c_str(), "w");
    if (file == nullptr) return false;
    for (const SoakSeries& series : kSoakSeries)
        std::fprintf(file, "%s%s", &series == kSoakSeries.data() ? "" : ",", series.name);
    for (const SoakSample& sample : samples)
        for (const SoakSeries& series : kSoakSeries)
            std::fprintf(file, "%s%.1f", &series == kSoakSeries.data() ? "\n" : ",",
                         sample.*series.field);
    std::fprintf(file, "\n");
    return std::fclose(file) == 0;
}

inline double median_of(const std::vector<SoakSample>& samples, double SoakSample::* field,
                        double first, double last) {
    const auto at = [&](double share) {
        return static_cast<std::ptrdiff_t>(static_cast<double>(samples.size()) * share);
    };
    std::vector<double> values;
    for (auto i = at(first); i < at(last); ++i)
        values.push_back(samples[static_cast<std::size_t>(i)].*field);
    if (values.empty()) return 0;
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

}  // namespace confab::bench
