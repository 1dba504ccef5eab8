// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Requests: what participants keep for each other (01 SIG-20, SIG-54, SIG-127).
#include "room/signal/requests.h"
#include "room/signal/respond.h"

namespace confab::room {

void Requests::store_data_blob(Participant& p, const livekit::StoreDataBlobRequest& request) {
    const auto refuse = [&](livekit::RequestResponse::Reason reason, const char* message) {
        respond(p, reason, message,
                [&](livekit::RequestResponse& r) { r.set_request_id(request.request_id()); });
    };
    if (!scope_->config.enable_data_blobs)
        return refuse(livekit::RequestResponse::NOT_ALLOWED, "data blob not enabled");
    const Limits& limits = scope_->config.limits;
    const DataBlobs::Limits bounds{limits.blob_key, limits.blobs, limits.custom_encoding};
    if (const auto refusal = p.blobs.store(request.blob(), bounds))
        return refuse(refusal->reason, refusal->message);
    livekit::SignalResponse response;
    livekit::StoreDataBlobResponse& stored = *response.mutable_store_data_blob_response();
    stored.set_request_id(request.request_id());
    *stored.mutable_key() = p.blobs.find(request.blob().key())->key();
    p.signal.send(std::move(response));
}

void Requests::get_data_blob(Participant& p, const livekit::GetDataBlobRequest& request) {
    const auto refuse = [&](livekit::RequestResponse::Reason reason, const char* message) {
        respond(p, reason, message,
                [&](livekit::RequestResponse& r) { r.set_request_id(request.request_id()); });
    };
    if (!request.has_key())
        return refuse(livekit::RequestResponse::INVALID_REQUEST, "data blob key is required");
    const Participant* from = roster_->find(request.participant_identity());
    if (from == nullptr || (from != &p && from->hidden()))
        return refuse(livekit::RequestResponse::NOT_FOUND, "participant not found");
    const livekit::DataBlob* blob = from->blobs.find(request.key());
    if (blob == nullptr) return refuse(livekit::RequestResponse::NOT_FOUND, "data blob not found");
    livekit::SignalResponse response;
    livekit::GetDataBlobResponse& found = *response.mutable_get_data_blob_response();
    found.set_request_id(request.request_id());
    *found.mutable_blob() = *blob;
    p.signal.send(std::move(response));
}

}  // namespace confab::room
