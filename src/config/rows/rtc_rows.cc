// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Settings: ports, addresses and connections of media.
#include <array>

#include "config/rows/rows.h"

namespace confab::config {
namespace {

using C = Config;

constexpr auto kRows = std::to_array<Option>({
    used(
        "rtc.udp_port", [](C& c) -> Slot { return &c.rtc.udp_port; },
        "Port or range start-end shared by all participants; development 7882, else "
        "port_range_start to port_range_end")
        .named("udp-port", "UDP_PORT"),
    used(
        "rtc.tcp_port", [](C& c) -> Slot { return &c.rtc.tcp_port; },
        "Media over TCP where UDP is blocked; 0 for none"),
    used(
        "rtc.port_range_start", [](C& c) -> Slot { return &c.rtc.port_range_start; },
        "First UDP port for media; beats udp_port")
        .shown("50000"),
    used(
        "rtc.port_range_end", [](C& c) -> Slot { return &c.rtc.port_range_end; },
        "Last UDP port for media")
        .shown("60000"),
    used(
        "rtc.node_ip", [](C& c) -> Slot { return &c.rtc.node_ip; },
        "Address told to clients, or \"v4,v6\"; empty to find it")
        .named("node-ip", "NODE_IP"),
    used(
        "rtc.use_external_ip", [](C& c) -> Slot { return &c.rtc.use_external_ip; },
        "Ask a STUN server for the public address"),
    used(
        "rtc.external_ip_only", [](C& c) -> Slot { return &c.rtc.external_ip_only; },
        "With use_external_ip: none of the addresses that have no public one"),
    later("rtc.use_stun_port_as_ice", Kind::kBool, "false", "Media also on UDP port 3478"),
    used(
        "rtc.advertise_internal_ip", [](C& c) -> Slot { return &c.rtc.advertise_internal_ip; },
        "With use_external_ip: the private beside the public address"),
    used(
        "rtc.skip_external_ip_validation",
        [](C& c) -> Slot { return &c.rtc.skip_external_ip_validation; },
        "With use_external_ip on several addresses: no test packet through each public one"),
    later("rtc.additional_host_ips", Kind::kStrings, "[]", "Further addresses to offer"),
    later("rtc.require_ipv4", Kind::kBool, "false", "Start only with an IPv4 address"),
    later("rtc.host_acceptance_min_wait", Kind::kDuration, "0s",
          "Wait before a host pair is taken"),
    later("rtc.srflx_acceptance_min_wait", Kind::kDuration, "0s",
          "Wait before a server reflexive pair is taken"),
    later("rtc.prflx_acceptance_min_wait", Kind::kDuration, "0s",
          "Wait before a peer reflexive pair is taken"),
    later("rtc.relay_acceptance_min_wait", Kind::kDuration, "0s",
          "Wait before a relayed pair is taken"),
    used(
        "rtc.stun_servers", [](C& c) -> Slot { return &c.rtc.stun_servers; },
        "host:port of STUN servers, for clients and rtc.use_external_ip; empty for public ones")
        .reloaded(),
    used(
        "rtc.turn_servers", [](C& c) -> Slot { return &c.rtc.turn_servers; },
        "TURN servers for clients")
        .reloaded(),
    used(
        "rtc.use_ice_lite", [](C& c) -> Slot { return &c.rtc.use_ice_lite; },
        "Answer connectivity checks, send none"),
    later("rtc.use_mdns", Kind::kBool, "false", "Resolve .local candidates"),
    used(
        "rtc.enable_loopback_candidate",
        [](C& c) -> Slot { return &c.rtc.enable_loopback_candidate; }, "Offer 127.0.0.1"),
    used(
        "rtc.force_tcp", [](C& c) -> Slot { return &c.rtc.force_tcp; },
        "Media over TCP only, for tests"),
    used(
        "rtc.interfaces.includes", [](C& c) -> Slot { return &c.rtc.interfaces.includes; },
        "Use these network interfaces only"),
    used(
        "rtc.interfaces.excludes", [](C& c) -> Slot { return &c.rtc.interfaces.excludes; },
        "Use all but these network interfaces"),
    used(
        "rtc.ips.includes", [](C& c) -> Slot { return &c.rtc.ips.includes; },
        "Use addresses inside these CIDR blocks only"),
    used(
        "rtc.ips.excludes", [](C& c) -> Slot { return &c.rtc.ips.excludes; },
        "Use all addresses but those inside these CIDR blocks"),
    later("rtc.batch_io.batch_size", Kind::kUint32, "0", "Packets per batch"),
    later("rtc.batch_io.max_flush_interval", Kind::kDuration, "0s", "Longest wait for a batch"),
    used(
        "rtc.sctp_min_cwnd", [](C& c) -> Slot { return &c.rtc.sctp_min_cwnd; },
        "Smallest congestion window of data channels, in bytes; 0 for one packet"),
    used(
        "rtc.sctp_fast_rtx_wnd", [](C& c) -> Slot { return &c.rtc.sctp_fast_rtx_wnd; },
        "Lost data is sent again while less than so many bytes are in flight; 0 for the "
        "congestion window"),
    used(
        "rtc.sctp_cwnd_ca_step", [](C& c) -> Slot { return &c.rtc.sctp_cwnd_ca_step; },
        "Growth of that window in congestion avoidance, in bytes; 0 for one packet"),
    later("rtc.enable_warp", Kind::kBool, "false", "Faster connection set-up, experimental"),
    dropped("rtc.strict_acks", Kind::kBool, "false"),
    used(
        "rtc.packet_buffer_size", [](C& c) -> Slot { return &c.rtc.packet_buffer_size_video; },
        "Packets kept per video track")
        .replaced_by("rtc.packet_buffer_size_video"),
    used(
        "rtc.packet_buffer_size_video",
        [](C& c) -> Slot { return &c.rtc.packet_buffer_size_video; },
        "Packets kept per video track for retransmission")
        .range(1, 32768),
    used(
        "rtc.packet_buffer_size_audio",
        [](C& c) -> Slot { return &c.rtc.packet_buffer_size_audio; },
        "Packets kept per audio track for retransmission")
        .range(1, 32768),
    used(
        "rtc.pli_throttle.low_quality",
        [](C& c) -> Slot { return &c.rtc.pli_throttle.low_quality; },
        "Shortest time between key frame requests, lowest layer"),
    used(
        "rtc.pli_throttle.mid_quality",
        [](C& c) -> Slot { return &c.rtc.pli_throttle.mid_quality; },
        "Shortest time between key frame requests, middle layer"),
    used(
        "rtc.pli_throttle.high_quality",
        [](C& c) -> Slot { return &c.rtc.pli_throttle.high_quality; },
        "Shortest time between key frame requests, highest layer"),
    used(
        "rtc.allow_tcp_fallback", [](C& c) -> Slot { return &c.rtc.allow_tcp_fallback; },
        "Send clients whose connections fail over TCP next time, then over TURN and TLS"),
    used(
        "rtc.tcp_fallback_rtt_threshold",
        [](C& c) -> Slot { return &c.rtc.tcp_fallback_rtt_threshold; },
        "Clients whose signalling takes so many ms there and back are not sent over TCP, but over "
        "TURN "
        "and TLS at once; 0: none"),
    used(
        "rtc.allow_udp_unstable_fallback",
        [](C& c) -> Slot { return &c.rtc.allow_udp_unstable_fallback; },
        "Send clients over TCP whose UDP loses a quarter for long, where signalling is not slower; "
        "needs "
        "tcp_fallback_rtt_threshold"),
    used(
        "rtc.reconnect_on_publication_error",
        [](C& c) -> Slot { return &c.rtc.reconnect_on_publication_error; },
        "Full reconnect when publishing fails"),
    used(
        "rtc.reconnect_on_subscription_error",
        [](C& c) -> Slot { return &c.rtc.reconnect_on_subscription_error; },
        "Full reconnect when a subscription fails"),
    used(
        "rtc.reconnect_on_data_channel_error",
        [](C& c) -> Slot { return &c.rtc.reconnect_on_data_channel_error; },
        "Full reconnect when a data channel fails"),
    used(
        "rtc.datachannel_slow_threshold",
        [](C& c) -> Slot { return &c.rtc.datachannel_slow_threshold; },
        "Who takes less than this many bits per second loses reliable messages, and holds nobody "
        "back; 0: nobody does"),
    used(
        "rtc.datachannel_lossy_target_latency",
        [](C& c) -> Slot { return &c.rtc.datachannel_lossy_target_latency; },
        "More than a receiver takes in this time does not wait on its lossy channel; 0s: no limit"),
    used(
        "rtc.datachannel_data_track_target_latency",
        [](C& c) -> Slot { return &c.rtc.datachannel_data_track_target_latency; },
        "The same of frames of data tracks"),
    used(
        "rtc.data_channel_max_buffered_amount",
        [](C& c) -> Slot { return &c.rtc.data_channel_max_buffered_amount; },
        "Bytes that may wait for a receiver on a channel: messages beyond are dropped, no sender "
        "waits "
        "for it; 0: no limit. Not beside rtc.datachannel_slow_threshold"),
    later("rtc.forward_stats.summary_interval", Kind::kDuration, "0s", "Latency summary"),
    later("rtc.forward_stats.report_interval", Kind::kDuration, "0s", "Latency report"),
    later("rtc.forward_stats.report_window", Kind::kDuration, "0s", "Latency window"),
    later("rtc.enable_rtp_stream_restart_detection", Kind::kBool, "false",
          "Notice publishers that restart their numbering"),
});

}  // namespace

std::span<const Option> rtc_rows() {
    return kRows;
}

}  // namespace confab::config
