// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "room/data/data_blobs.h"

#include <algorithm>
#include <utility>

#include "token/limits.h"

namespace confab::room {
namespace {

using Key = livekit::DataBlobKey;
using Response = livekit::RequestResponse;
using token::exceeds;

// Without fields that we do not know: nobody would count them, and they would make another key.
Key known_part(const Key& key) {
    Key known;
    if (key.has_generic()) known.set_generic(key.generic());
    if (!key.has_schema_id()) return known;
    livekit::DataTrackSchemaId& schema = *known.mutable_schema_id();
    schema.set_name(key.schema_id().name());
    if (!key.schema_id().has_encoding()) return known;
    const livekit::DataTrackSchemaEncoding& from = key.schema_id().encoding();
    livekit::DataTrackSchemaEncoding& encoding = *schema.mutable_encoding();
    if (from.has_well_known()) encoding.set_well_known(from.well_known());
    if (from.has_custom()) encoding.set_custom(from.custom());
    return known;
}

// The bytes of its texts.
std::size_t size_of(const Key& key) {
    return key.generic().size() + key.schema_id().name().size() +
           key.schema_id().encoding().custom().size();
}

std::size_t size_of(const livekit::DataBlob& blob) {
    return size_of(blob.key()) + blob.contents().size();
}

std::optional<DataBlobs::Refusal> refusal_of(const livekit::DataBlob& blob,
                                             const DataBlobs::Limits& limits) {
    if (blob.key().key_case() == Key::KEY_NOT_SET || exceeds(size_of(blob.key()), limits.key))
        return DataBlobs::Refusal{Response::INVALID_REQUEST, "data blob is invalid"};
    const livekit::DataTrackSchemaEncoding& encoding = blob.key().schema_id().encoding();
    if (encoding.has_custom() &&
        (encoding.custom().empty() || exceeds(encoding.custom().size(), limits.custom_encoding)))
        return DataBlobs::Refusal{Response::INVALID_REQUEST,
                                  "encoding identifier is empty or exceeds the maximum length"};
    if (blob.contents().empty())
        return DataBlobs::Refusal{Response::INVALID_REQUEST, "data blob is empty"};
    return std::nullopt;
}

}  // namespace

std::optional<DataBlobs::Refusal> DataBlobs::store(const livekit::DataBlob& blob,
                                                   const Limits& limits) {
    if (const auto refusal = refusal_of(blob, limits)) return refusal;
    livekit::DataBlob kept;
    *kept.mutable_key() = known_part(blob.key());
    kept.set_contents(blob.contents());
    std::string name = kept.key().SerializeAsString();
    const auto old = blobs_.find(name);
    const bool is_new = old == blobs_.end();
    const std::size_t bytes = bytes_ - (is_new ? 0 : size_of(old->second)) + size_of(kept);
    const std::size_t limit = limits.all == 0 ? kMaxBytes : std::min(limits.all, kMaxBytes);
    if (bytes > limit || (is_new && blobs_.size() >= kMaxBlobs))
        return Refusal{Response::LIMIT_EXCEEDED, "async attribute definition exceeds limit"};
    bytes_ = bytes;
    blobs_.insert_or_assign(std::move(name), std::move(kept));
    return std::nullopt;
}

const livekit::DataBlob* DataBlobs::find(const Key& key) const {
    const auto found = blobs_.find(known_part(key).SerializeAsString());
    return found == blobs_.end() ? nullptr : &found->second;
}

}  // namespace confab::room
