// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Addresses that are offered for media: whether a client can reach any of them.
#include <algorithm>

#include "app/doctor/judge.h"
#include "base/cidr.h"
#include "base/text.h"

namespace confab::doctor {
namespace {

constexpr std::uint32_t kSmallMtu = 1280;  // what IPv6 asks of every link; media is below it

bool is_in(const IpAddress& ip, const std::vector<std::string_view>& blocks) {
    return std::any_of(blocks.begin(), blocks.end(), [&](std::string_view text) {
        const auto block = Cidr::parse(text);
        return block && block->contains(ip);
    });
}

std::string list_text(const std::vector<app::MediaAddress>& media) {
    std::string text;
    for (const app::MediaAddress& one : media)
        if (text.find(one.advertised.to_string()) == text.npos)
            text += (text.empty() ? "" : ", ") + one.advertised.to_string();
    return text;
}

const InterfaceFacts* interface_of(const IpAddress& ip, const AddressFacts& facts) {
    const auto found = std::find_if(facts.interfaces.begin(), facts.interfaces.end(),
                                    [&](const InterfaceFacts& one) { return one.ip == ip; });
    return found == facts.interfaces.end() ? nullptr : &*found;
}

// Of Docker, Podman, libvirt and Kubernetes' networks.
bool is_bridge(std::string_view name) {
    for (const std::string_view prefix : {"docker", "br-", "podman", "cni", "virbr", "flannel"})
        if (name.starts_with(prefix)) return true;
    return false;
}

// Each address in rtc.node_ip is one of this machine, or the one that others see.
void judge_node_ip(const AddressFacts& facts, Diagnosis& out) {
    if (facts.node_ip.empty() || facts.use_external_ip) return;
    for (const std::string_view part : split(facts.node_ip, ',')) {
        const auto ip = IpAddress::parse(trim(part));
        if (!ip || is_of_host(*ip, facts) || ip->is_loopback()) continue;
        // Behind NAT the public address is on no interface: only who is asked outside can tell.
        if (is_private(*ip))
            out.add(Code::kNodeIpForeign, ip->to_string() + " is on no interface");
        else if (facts.external && ip->is_v4())
            out.add(Code::kNodeIpForeign, ip->to_string() + " is set, others see this machine as " +
                                              facts.external->to_string());
        else
            out.skipped.push_back("whether rtc.node_ip " + ip->to_string() +
                                  " leads here: no STUN server answers");
    }
}

void judge_bridges(const AddressFacts& facts, Diagnosis& out) {
    for (const app::MediaAddress& one : facts.media) {
        const InterfaceFacts* const on = interface_of(one.local, facts);
        if (on != nullptr && one.advertised == one.local && is_bridge(on->name))
            out.add(Code::kCandidatesDocker, one.local.to_string() + " on " + on->name);
    }
}

void judge_mtu(const AddressFacts& facts, Diagnosis& out) {
    for (const app::MediaAddress& one : facts.media) {
        const InterfaceFacts* const on = interface_of(one.local, facts);
        if (on != nullptr && on->mtu != 0 && on->mtu < kSmallMtu)
            out.add(Code::kInterfaceMtu, on->name + " has " + std::to_string(on->mtu));
    }
}

}  // namespace

bool is_private(const IpAddress& ip) {
    static const std::vector<std::string_view> kBlocks{
        "10.0.0.0/8",  "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16",
        "127.0.0.0/8", "::1/128",       "fc00::/7",       "fe80::/10"};
    return is_in(ip, kBlocks);
}

bool is_of_host(const IpAddress& ip, const AddressFacts& facts) {
    return interface_of(ip, facts) != nullptr || facts.external == ip;
}

void judge_addresses(const AddressFacts& facts, Diagnosis& out) {
    if (!facts.external_error.empty()) out.add(Code::kExternalIpUnknown, facts.external_error);
    judge_node_ip(facts, out);
    if (facts.media.empty())
        return out.add(Code::kCandidatesNone, facts.media_error.empty()
                                                  ? "this machine has none but loopback"
                                                  : facts.media_error);
    const auto all = [&](auto predicate) {
        return std::all_of(facts.media.begin(), facts.media.end(),
                           [&](const app::MediaAddress& one) { return predicate(one.advertised); });
    };
    judge_mtu(facts, out);
    // What STUN would have said is not known.
    if (!facts.external_error.empty()) return;
    const std::string list = list_text(facts.media);
    if (all([](const IpAddress& ip) { return ip.is_loopback(); }))
        return out.add(Code::kCandidatesLoopback, list);
    if (all([](const IpAddress& ip) { return ip.is_v6(); }))
        out.add(Code::kCandidatesIpv6Only, list);
    if (all(is_private) && !out.has(Code::kNodeIpForeign))
        out.add(Code::kCandidatesPrivate, list);
    else if (!out.has(Code::kNodeIpForeign))
        out.good("media addresses", list);
    judge_bridges(facts, out);
}

}  // namespace confab::doctor
