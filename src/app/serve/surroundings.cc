// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "app/serve/surroundings.h"

#include <cstdio>
#include <vector>

#include "runtime/telemetry/log.h"

namespace confab::app {
namespace {

std::string join_addresses(const std::vector<SocketAddress>& list) {
    std::string text;
    for (const SocketAddress& address : list)
        text += (text.empty() ? "" : ", ") + address.to_string();
    return text.empty() ? "none" : text;
}

}  // namespace

void log_threads(const worker::MediaNode& media, const std::string& advertised) {
    telemetry::log_info("control threads", {{"threads", media.control_shards()}});
    for (std::size_t i = 0; i < media.size(); ++i)
        telemetry::log_info("media worker", {{"worker", i},
                                             {"udp", join_addresses(media.addresses(i).udp)},
                                             {"tcp", join_addresses(media.addresses(i).tcp)},
                                             {"advertised", advertised}});
}

void warn_about_surroundings(const worker::MediaNode& media, const config::Config& config) {
    const int buffer = media.smallest_receive_buffer();
    if (buffer < worker::UdpSocket::kBufferWarn)
        telemetry::log_warn(
            "UDP receive buffer is small; packets get lost under load",
            {{"bytes", buffer},
             {"remedy", "sysctl -w net.core.rmem_max=16777216 net.core.wmem_max=16777216"}});
    if (media.addresses(0).udp.empty())
        telemetry::log_warn("no UDP address carries media: clients can use ICE/TCP at best",
                            {{"remedy", "check rtc.interfaces and rtc.ips, or set rtc.node_ip"}});
    if (!config.rtc.udp_port.is_set() && media.size() > 0)
        telemetry::log_info("media ports", {{"first", config.rtc.port_range_start},
                                            {"last", config.rtc.port_range_end}});
}

void show_first_steps(const config::Config& config, const ServeContext& context) {
    if (config.placeholder_keys)
        std::fprintf(stderr,
                     "\n  demo page:  http://localhost:%u/demo/\n  url:        ws://localhost:%u\n"
                     "  API key:    devkey    secret: secret\n\n",
                     config.port, config.port);
    else if (context.dev && !config.own.demo_enabled)
        telemetry::log_info("your own API key: the demo page and its tokens stay closed",
                            {{"remedy", "set confab.demo_enabled to open them to everybody"}});
}

}  // namespace confab::app
