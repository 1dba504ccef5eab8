// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A directory of built web files, read once into memory and served under a prefix. Requests never
// touch the file system: a path is only a key of the table, so it cannot leave it.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "runtime/net/http/http_message.h"

namespace confab::net {

struct StaticFilesOptions {
    std::string prefix = "/demo";  // without slash at the end
    std::size_t max_total_bytes = 64 * 1024 * 1024;
    std::size_t max_files = 10'000;
    // Content-Security-Policy of every page.
    std::string content_security_policy =
        "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; "
        "img-src 'self' data: blob:; media-src 'self' blob: mediastream:; font-src 'self'; "
        "connect-src 'self' ws: wss: http: https:; worker-src 'self' blob:; manifest-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
};

class StaticFiles {
  public:
    // A text for the operator if the directory cannot be read or is too large. Symbolic links that
    // lead out of it, hidden files and anything but regular files are left out.
    static Result<StaticFiles, std::string> load(const std::string& directory,
                                                 StaticFilesOptions options = {});

    // The same of contents that are there already, by their paths.
    static StaticFiles of(std::map<std::string, std::string> contents,
                          StaticFilesOptions options = {});

    // nullopt if the path is not under the prefix. The prefix itself redirects to "prefix/"; a
    // directory gives its index.html; an unknown path without a dot in its last part gives the
    // index.html of the root (client-side routes), with a dot 404. GET and HEAD only, else 405.
    std::optional<HttpResponse> serve(const HttpRequest& request) const;
    std::size_t file_count() const { return files_.size(); }

  private:
    struct File {
        std::string body;
        std::string gzip;  // of the neighbour "name.gz", may be empty
        std::string_view mime;
        std::string etag;
        bool immutable = false;
    };
    HttpResponse answer(const HttpRequest& request, const File& file) const;

    StaticFilesOptions options_;
    std::map<std::string, File, std::less<>> files_;  // by path below the prefix, "a/b.js"
};

// By the ending of the name; "application/octet-stream" if unknown.
std::string_view mime_type(std::string_view name);
// "%41" → "A"; nullopt if malformed.
std::optional<std::string> percent_decode(std::string_view text);

}  // namespace confab::net
