// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Transport parameters of bundled descriptions.
#include "rtc/sdp/description/transport_info.h"

#include <algorithm>

namespace confab::sdp {
namespace {

constexpr std::size_t kMaxCredentialBytes = 256;  // RFC 8839 §5.4

bool is_credential(const std::string& text) {
    return !text.empty() && text.size() <= kMaxCredentialBytes;
}

// The value of the first section in use that has one.
template <typename T>
const T* first_value(const Description& remote, T MediaSection::* member) {
    for (const MediaSection& section : remote.sections)
        if (is_usable(remote, section) && !(section.*member).empty()) return &(section.*member);
    return nullptr;
}

// SHA-256 if it is among them, every endpoint has it (RFC 8122 §5.1).
const Fingerprint* choose_fingerprint(const std::vector<Fingerprint>& all) {
    const auto it = std::ranges::find(all, "sha-256", &Fingerprint::algorithm);
    if (it != all.end()) return &*it;
    return all.empty() ? nullptr : &all.front();
}

Setup remote_setup(const Description& remote) {
    for (const MediaSection& section : remote.sections)
        if (is_usable(remote, section) && section.setup) return *section.setup;
    return remote.setup.value_or(Setup::kActPass);
}

void collect_sections(const Description& remote, RemoteTransport& out) {
    for (const MediaSection& section : remote.sections) {
        if (!is_usable(remote, section)) continue;
        for (const std::string& candidate : section.candidates)
            if (out.candidates.size() < kMaxCandidates) out.candidates.push_back(candidate);
        if (!is_data_section(section) || out.application) continue;
        out.application = true;
        out.sctp_port = section.sctp_port.value_or(kSctpPort);
        // Without the attribute 64 KiB are meant (RFC 8841 §6).
        out.max_message_size = section.max_message_size.value_or(65'536);
    }
}

}  // namespace

bool is_data_section(const MediaSection& section) {
    return section.kind == Kind::kApplication &&
           section.protocol.find("DTLS/SCTP") != std::string::npos &&
           std::ranges::find(section.formats, "webrtc-datachannel") != section.formats.end();
}

bool is_usable(const Description& remote, const MediaSection& section) {
    if (section.rejected() || section.mid.empty()) return false;
    if (section.is_rtp() ? section.protocol.find("RTP/SAVP") == std::string::npos
                         : !is_data_section(section))
        return false;
    // There is one transport: a section outside the bundle can not be had (RFC 8843 §7.3.3).
    return !remote.bundle || std::ranges::find(*remote.bundle, section.mid) != remote.bundle->end();
}

Result<RemoteTransport, NegotiationError> remote_transport(const Description& remote) {
    RemoteTransport out;
    const std::string* ufrag = first_value(remote, &MediaSection::ufrag);
    const std::string* pwd = first_value(remote, &MediaSection::pwd);
    const auto* fingerprints = first_value(remote, &MediaSection::fingerprints);
    out.ufrag = ufrag != nullptr ? *ufrag : remote.ufrag;
    out.pwd = pwd != nullptr ? *pwd : remote.pwd;
    const Fingerprint* fingerprint =
        choose_fingerprint(fingerprints != nullptr ? *fingerprints : remote.fingerprints);
    if (!is_credential(out.ufrag) || !is_credential(out.pwd) || fingerprint == nullptr)
        return fail(NegotiationError::kNoTransport);
    out.fingerprint_algorithm = fingerprint->algorithm;
    out.fingerprint_hex = fingerprint->value;
    out.setup = remote_setup(remote);
    out.ice_lite = remote.ice_lite;
    collect_sections(remote, out);
    return out;
}

MediaSection rejected_section(const MediaSection& section) {
    MediaSection out;
    out.kind = section.kind;
    out.media = section.media;
    out.protocol = section.protocol;
    out.formats = section.formats;
    out.mid = section.mid;
    out.port = 0;
    out.direction = Direction::kInactive;
    return out;
}

MediaSection data_section(const std::string& mid, const std::string& protocol) {
    MediaSection out;
    out.kind = Kind::kApplication;
    out.media = to_text(Kind::kApplication);
    out.protocol = protocol;
    out.formats = {"webrtc-datachannel"};
    out.mid = mid;
    out.sctp_port = kSctpPort;
    out.max_message_size = kOurMaxMessageSize;
    return out;
}

void set_local_transport(Description& out, const LocalTransport& local, Setup setup) {
    out.msid_semantic = "WMS *";
    out.fingerprints = {{"sha-256", local.fingerprint_sha256}};
    out.ice_lite = local.ice_lite;
    bool first = true;
    for (MediaSection& section : out.sections) {
        if (section.rejected()) continue;
        section.ufrag = local.ufrag;
        section.pwd = local.pwd;
        section.setup = setup;
        if (!first) continue;
        first = false;
        section.candidates = local.candidates;
        section.end_of_candidates = !local.candidates.empty() && local.candidates_complete;
    }
}

std::string origin_line(std::uint64_t session_id, std::uint64_t version) {
    return "- " + std::to_string(session_id) + " " + std::to_string(version) + " IN IP4 0.0.0.0";
}

}  // namespace confab::sdp
