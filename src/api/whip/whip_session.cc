// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "api/whip/whip_session.h"

#include <algorithm>
#include <utility>

#include "json/json.h"

namespace confab::api {
namespace {

tl::unexpected<HttpError> refuse(int status, std::string text) {
    return tl::unexpected<HttpError>(HttpError{status, std::move(text)});
}

// Where ICE credentials stand: in the session part, or in each section.
std::string first_of(const sdp::Description& description,
                     std::string sdp::MediaSection::* in_section,
                     std::string sdp::Description::* in_session) {
    for (const sdp::MediaSection& section : description.sections)
        if (!(section.*in_section).empty()) return section.*in_section;
    return description.*in_session;
}

// The section that the transport of the bundle is in (RFC 8843 §8.2); null if all are rejected.
sdp::MediaSection* transport_section(sdp::Description& description) {
    for (sdp::MediaSection& section : description.sections)
        if (!section.rejected()) return &section;
    return nullptr;
}

// RTCIceCandidateInit; empty if it says that there is none.
std::string line_of(const std::string& candidate_init) {
    constexpr std::string_view kPrefix = "candidate:";
    const auto json = json::parse(candidate_init);
    const json::Value* const line = json ? json->find("candidate") : nullptr;
    if (line == nullptr || line->kind != json::Kind::kString) return {};
    return line->string.starts_with(kPrefix) ? line->string.substr(kPrefix.size()) : line->string;
}

livekit::SignalRequest trickle_of(const SdpFragment::Candidate& candidate) {
    json::Writer init;
    init.begin_object();
    init.string("candidate", "candidate:" + candidate.line);
    init.string("sdpMid", candidate.mid);
    init.integer("sdpMLineIndex", 0);
    init.end_object();
    livekit::SignalRequest request;
    request.mutable_trickle()->set_candidateinit(init.take());
    request.mutable_trickle()->set_target(livekit::PUBLISHER);
    return request;
}

// A parameter of a Link header (RFC 8288 §3).
void add_quoted(std::string& out, std::string_view name, std::string_view value) {
    out.append("; ").append(name).append("=\"");
    for (const char c : value) {
        if (c == '"' || c == '\\') out.push_back('\\');
        out.push_back(c);
    }
    out.push_back('"');
}

}  // namespace

void WhipSession::handle_join(const livekit::JoinResponse& join) {
    sid_ = join.participant().sid();
    ice_servers_.assign(join.ice_servers().begin(), join.ice_servers().end());
}

void WhipSession::handle_signal(const livekit::SignalResponse& response) {
    if (!waiting()) return;
    if (response.has_answer() && response.answer().id() == offers_) {
        auto parsed = sdp::parse(response.answer().sdp());
        if (parsed && transport_section(*parsed) != nullptr) answer_ = *std::move(parsed);
    } else if (response.has_trickle()) {
        std::string line = line_of(response.trickle().candidateinit());
        if (!line.empty() && candidates_.size() < sdp::kMaxCandidates)
            candidates_.push_back(std::move(line));
        all_candidates_ = all_candidates_ || response.trickle().final();
    }
}

// The first answer goes out before its candidates; one whose transport stays has them.
bool WhipSession::complete() const {
    if (!answer_) return false;
    return all_candidates_ || std::any_of(answer_->sections.begin(), answer_->sections.end(),
                                          [](const auto& one) { return !one.candidates.empty(); });
}

std::optional<WhipAnswer> WhipSession::poll_answer() {
    if (!waiting() || !complete() || sid_.empty()) return std::nullopt;
    sdp::MediaSection& first = *transport_section(*answer_);
    if (first.candidates.empty()) first.candidates = std::move(candidates_);
    first.end_of_candidates = true;
    etag_ = first_of(*answer_, &sdp::MediaSection::ufrag, &sdp::Description::ufrag);
    WhipAnswer answer =
        std::exchange(waiting_, Waiting::kNothing) == Waiting::kJoin ? created() : restarted();
    answer_.reset();
    candidates_.clear();
    all_candidates_ = false;
    return answer;
}

WhipAnswer WhipSession::created() {
    return {WhipAnswer::Kind::kCreated, etag_, sdp::write(*answer_), sid_, ice_servers_};
}

WhipAnswer WhipSession::restarted() {
    SdpFragment fragment;
    fragment.ufrag = etag_;
    fragment.pwd = first_of(*answer_, &sdp::MediaSection::pwd, &sdp::Description::pwd);
    const sdp::MediaSection& first = *transport_section(*answer_);
    for (const std::string& line : first.candidates)
        fragment.candidates.push_back({first.mid, line});
    fragment.end_of_candidates = true;
    return {WhipAnswer::Kind::kRestarted, etag_, write_fragment(fragment), {}, {}};
}

Result<WhipSession::Patch, HttpError> WhipSession::patch(std::optional<std::string_view> if_match,
                                                         std::string_view body) {
    if (!if_match || if_match->empty()) return refuse(428, "missing entity tag");
    const auto fragment = parse_fragment(body);
    if (!fragment) return refuse(400, "invalid sdp fragment");
    if (waiting()) return refuse(409, "a request of this session is not answered yet");
    Patch patch;
    if (*if_match == kWhipAnySession) {
        if (!is_ufrag(fragment->ufrag) || !is_ice_pwd(fragment->pwd))
            return refuse(400, "invalid sdp fragment");
        patch.restarts = true;
        patch.requests.push_back(restart(*fragment));
        return patch;
    }
    if (*if_match != etag_)
        return refuse(
            500, "ice session mismatch, expected: " + etag_ + ", got: " + std::string(*if_match));
    for (const SdpFragment::Candidate& candidate : fragment->candidates)
        patch.requests.push_back(trickle_of(candidate));
    return patch;
}

livekit::SignalRequest WhipSession::restart(const SdpFragment& fragment) {
    WhipIce ice{fragment.ufrag, fragment.pwd, {}};
    for (const SdpFragment::Candidate& candidate : fragment.candidates)
        ice.candidates.push_back(candidate.line);
    waiting_ = Waiting::kRestart;
    answer_.reset();
    candidates_.clear();
    all_candidates_ = false;
    livekit::SignalRequest request;
    livekit::SessionDescription& offer = *request.mutable_offer();
    offer.set_type("offer");
    offer.set_sdp(restarted_offer(offer_, ice));
    offer.set_id(++offers_);
    return request;
}

livekit::SessionDescription first_whip_offer(std::string_view sdp) {
    livekit::SessionDescription offer;
    offer.set_type("offer");
    offer.set_sdp(std::string(sdp));
    offer.set_id(WhipSession::kFirstOffer);
    return offer;
}

HttpResponse whip_response(const WhipAnswer& answer) {
    using Kind = WhipAnswer::Kind;
    HttpResponse response;
    switch (answer.kind) {
        case Kind::kCreated:
            response.status = 201;
            response.headers = {{"Content-Type", std::string(kApplicationSdp)},
                                {"Location", std::string(kWhipPath) + "/" + answer.participant_sid},
                                {"ETag", answer.etag}};
            for (HttpHeader& link : ice_server_links(answer.ice_servers))
                response.headers.push_back(std::move(link));
            response.body = answer.body;
            break;
        case Kind::kRestarted:
            response.headers = {{"Content-Type", std::string(kApplicationFragment)},
                                {"ETag", answer.etag}};
            response.body = answer.body;
            break;
        case Kind::kTaken:
            response.status = 204;
            break;
        case Kind::kEnded:
            break;
    }
    return response;
}

HttpResponse whip_error(const HttpError& error, std::string_view content_type) {
    json::Writer body;
    body.begin_object();
    body.string("error", error.text);
    body.end_object();
    return {error.status, {{"Content-Type", std::string(content_type)}}, body.take() + "\n"};
}

std::vector<HttpHeader> ice_server_links(const std::vector<livekit::ICEServer>& servers) {
    std::vector<HttpHeader> links;
    for (const livekit::ICEServer& server : servers) {
        for (const std::string& url : server.urls()) {
            std::string value = "<" + url + ">; rel=\"ice-server\"";
            if (!server.username().empty()) {
                add_quoted(value, "username", server.username());
                add_quoted(value, "credential", server.credential());
                value += "; credential-type=\"password\"";
            }
            links.push_back({"Link", std::move(value)});
        }
    }
    return links;
}

}  // namespace confab::api
