// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/worker/command_size.h"

#include <string>
#include <type_traits>
#include <variant>
#include <vector>

namespace confab::worker {
namespace {

// Of the parts that commands have; one that holds something and is not here does not compile.
template <typename T>
std::size_t held(const T&) {
    static_assert(std::is_trivially_copyable_v<T>, "holds bytes that are not counted");
    return 0;
}
std::size_t held(const std::string& text) {
    return text.size();
}
template <typename T>
std::size_t held(const std::vector<T>& list);
std::size_t held(const sfu::IceCredentials& c) {
    return held(c.ufrag) + held(c.pwd);
}
std::size_t held(const sfu::Fingerprint& f) {
    return held(f.algorithm) + held(f.value);
}
std::size_t held(const sfu::ReceiveLayer& layer) {
    return held(layer.rid);
}

std::size_t held(const sfu::CreatePeer& c) {
    return held(c.local) + held(c.srtp_profiles);
}
std::size_t held(const sfu::SetRemote& c) {
    return held(c.remote) + held(c.fingerprints);
}
std::size_t held(const sfu::RestartIce& c) {
    return held(c.local);
}
std::size_t held(const sfu::AddReceiver& c) {
    return held(c.mid) + held(c.codecs) + held(c.layers);
}
std::size_t held(const sfu::AddDownTrack& c) {
    return held(c.codecs) + held(c.cname) + held(c.mid) + held(c.sif_trailer);
}
std::size_t held(const sfu::AwaitPeer& c) {
    return held(c.tracks);
}
std::size_t held(const sfu::EndAwait& c) {
    return held(c.names) + held(c.receivers);
}
std::size_t held(const sfu::ExportPeer&) {
    return 0;
}
std::size_t held(const sfu::ImportPeer& c) {
    return held(c.create) + held(c.receivers) + held(c.down_tracks) + c.state.size();
}
std::size_t held(const sfu::DataMember& c) {
    return held(c.identity) + held(c.sid);
}
std::size_t held(const sfu::DataWorkers& c) {
    return held(c.workers);
}
std::size_t held(const sfu::SendData& c) {
    return held(c.payload) + held(c.identities) + held(c.sids) + held(c.nonce);
}
std::size_t held(const sfu::CallMethod& c) {
    return held(c.request_id) + held(c.payload);
}
std::size_t held(const sfu::StrangerLimits& c) {
    return held(c.trusted);
}
std::size_t held(const sfu::EndCall& c) {
    return held(c.request_id);
}

template <typename T>
std::size_t held(const std::vector<T>& list) {
    std::size_t sum = list.size() * sizeof(T);
    if constexpr (!std::is_trivially_copyable_v<T>)
        for (const T& one : list)
            sum += held(one);
    return sum;
}

}  // namespace

std::size_t command_size(const sfu::Command& command) {
    return sizeof command + std::visit([](const auto& c) { return held(c); }, command);
}

}  // namespace confab::worker
