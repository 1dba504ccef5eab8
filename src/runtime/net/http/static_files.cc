// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/net/http/static_files.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/text.h"

namespace confab::net {

namespace fs = std::filesystem;

namespace {

struct Mime {
    std::string_view ending;
    std::string_view type;
};
constexpr std::array kMimes = std::to_array<Mime>({
    {".html", "text/html; charset=utf-8"},
    {".js", "text/javascript; charset=utf-8"},
    {".mjs", "text/javascript; charset=utf-8"},
    {".css", "text/css; charset=utf-8"},
    {".json", "application/json"},
    {".map", "application/json"},
    {".webmanifest", "application/manifest+json"},
    {".wasm", "application/wasm"},
    {".svg", "image/svg+xml"},
    {".png", "image/png"},
    {".jpg", "image/jpeg"},
    {".jpeg", "image/jpeg"},
    {".webp", "image/webp"},
    {".gif", "image/gif"},
    {".ico", "image/x-icon"},
    {".woff2", "font/woff2"},
    {".woff", "font/woff"},
    {".ttf", "font/ttf"},
    {".mp3", "audio/mpeg"},
    {".ogg", "audio/ogg"},
    {".wav", "audio/wav"},
    {".mp4", "video/mp4"},
    {".webm", "video/webm"},
    {".txt", "text/plain; charset=utf-8"},
    {".xml", "application/xml"},
});

// FNV-1a: the tag only has to change when the file does.
std::string make_etag(std::string_view body) {
    std::uint64_t hash = 0xCBF29CE484222325ULL;
    for (const char c : body)
        hash = (hash ^ static_cast<std::uint8_t>(c)) * 0x100000001B3ULL;
    std::array<std::uint8_t, 8> bytes{};
    store_be64(bytes.data(), hash);
    return "\"" + to_hex(bytes) + "\"";
}

// "index-Bq3x_9Zk.js": what bundlers write when the name changes with the content.
bool has_hash_in_name(std::string_view name) {
    const std::size_t dot = name.rfind('.');
    if (dot == std::string_view::npos) return false;
    const std::string_view stem = name.substr(0, dot);
    constexpr std::size_t kHashLength = 8;
    if (stem.size() <= kHashLength) return false;
    const char before = stem[stem.size() - kHashLength - 1];
    if (before != '-' && before != '.') return false;
    bool has_digit_or_upper = false;
    for (const char c : stem.substr(stem.size() - kHashLength)) {
        const bool digit = c >= '0' && c <= '9';
        const bool upper = c >= 'A' && c <= 'Z';
        if (!digit && !upper && !(c >= 'a' && c <= 'z') && c != '_' && c != '-') return false;
        has_digit_or_upper |= digit || upper;
    }
    return has_digit_or_upper;
}

bool read_file(const fs::path& path, std::size_t limit, std::string& out) {
    std::ifstream in(path, std::ios::binary);
    if (!in) return false;
    std::array<char, 16 * 1024> chunk{};
    while (in && out.size() <= limit) {
        in.read(chunk.data(), static_cast<std::streamsize>(chunk.size()));
        out.append(chunk.data(), static_cast<std::size_t>(in.gcount()));
    }
    return in.eof() && !in.bad();
}

bool is_below(const fs::path& path, const fs::path& root) {
    const auto [in_root, in_path] =
        std::mismatch(root.begin(), root.end(), path.begin(), path.end());
    return in_root == root.end() && in_path != path.end();
}

bool is_hidden(const fs::path& relative) {
    for (const fs::path& part : relative)
        if (part.native().starts_with('.')) return true;
    return false;
}

int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

// The list of contents, or a text for the operator.
Result<std::map<std::string, std::string>, std::string> read_tree(
    const fs::path& root, const StaticFilesOptions& limits) {
    std::map<std::string, std::string> out;
    std::size_t total = 0;
    std::error_code error;
    fs::recursive_directory_iterator it(root, error);
    for (; !error && it != fs::recursive_directory_iterator(); it.increment(error)) {
        std::error_code skip;
        if (!it->is_regular_file(skip) || skip) continue;
        const fs::path real = fs::canonical(it->path(), skip);
        const fs::path relative = it->path().lexically_relative(root);
        if (skip || !is_below(real, root) || is_hidden(relative)) continue;
        std::string body;
        if (!read_file(real, limits.max_total_bytes, body))
            return tl::make_unexpected("cannot read " + it->path().string());
        total += body.size();
        if (total > limits.max_total_bytes || out.size() >= limits.max_files)
            return tl::make_unexpected("too much to serve in " + root.string());
        out.emplace(relative.generic_string(), std::move(body));
    }
    if (error) return tl::make_unexpected("cannot read " + root.string() + ": " + error.message());
    return out;
}

}  // namespace

std::string_view mime_type(std::string_view name) {
    const std::size_t dot = name.rfind('.');
    if (dot != std::string_view::npos)
        for (const Mime& mime : kMimes)
            if (equals_ignore_case(name.substr(dot), mime.ending)) return mime.type;
    return "application/octet-stream";
}

std::optional<std::string> percent_decode(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            out += text[i];
            continue;
        }
        if (i + 2 >= text.size()) return std::nullopt;
        const int high = hex_digit(text[i + 1]);
        const int low = hex_digit(text[i + 2]);
        if (high < 0 || low < 0) return std::nullopt;
        out += static_cast<char>(high * 16 + low);
        i += 2;
    }
    return out;
}

Result<StaticFiles, std::string> StaticFiles::load(const std::string& directory,
                                                   StaticFilesOptions options) {
    std::error_code error;
    const fs::path root = fs::canonical(directory, error);
    if (error) return tl::make_unexpected("cannot read " + directory + ": " + error.message());
    CONFAB_TRY(auto contents, read_tree(root, options));
    return of(std::move(contents), std::move(options));
}

StaticFiles StaticFiles::of(std::map<std::string, std::string> contents,
                            StaticFilesOptions options) {
    StaticFiles out;
    out.options_ = std::move(options);
    for (auto& [name, body] : contents) {
        const bool packed = name.ends_with(".gz");
        if (packed && contents.contains(name.substr(0, name.size() - 3))) continue;
        File file;
        file.mime = mime_type(name);
        file.etag = make_etag(body);
        file.immutable = has_hash_in_name(name);
        if (const auto gzip = contents.find(name + ".gz"); gzip != contents.end())
            file.gzip = std::move(gzip->second);
        file.body = std::move(body);
        out.files_.emplace(name, std::move(file));
    }
    return out;
}

HttpResponse StaticFiles::answer(const HttpRequest& request, const File& file) const {
    HttpResponse response;
    response.headers = {
        {"Content-Type", std::string(file.mime)},
        {"Cache-Control", file.immutable ? "public, max-age=31536000, immutable" : "no-cache"},
        {"ETag", file.etag},
        {"X-Content-Type-Options", "nosniff"},
        {"Referrer-Policy", "no-referrer"},
        {"Content-Security-Policy", options_.content_security_policy},
    };
    if (!file.gzip.empty()) response.headers.add("Vary", "Accept-Encoding");
    if (request.headers.has_token("If-None-Match", file.etag) ||
        request.headers.has_token("If-None-Match", "W/" + file.etag)) {
        response.status = 304;
        return response;
    }
    if (!file.gzip.empty() && request.headers.has_token("Accept-Encoding", "gzip")) {
        response.headers.add("Content-Encoding", "gzip");
        response.body = file.gzip;
    } else {
        response.body = file.body;
    }
    return response;
}

std::optional<HttpResponse> StaticFiles::serve(const HttpRequest& request) const {
    const std::string_view prefix = options_.prefix;
    std::string_view path = request.path;
    if (!path.starts_with(prefix)) return std::nullopt;
    path.remove_prefix(prefix.size());
    if (!path.empty() && path.front() != '/') return std::nullopt;
    if (request.method != "GET" && request.method != "HEAD") {
        HttpResponse refusal = HttpResponse::text(405, "405 method not allowed\n");
        refusal.headers.add("Allow", "GET, HEAD");
        return refusal;
    }
    if (path.empty()) {
        HttpResponse redirect = HttpResponse::text(307, "");
        redirect.headers.add(
            "Location", options_.prefix + "/" + (request.query.empty() ? "" : "?" + request.query));
        return redirect;
    }
    const std::optional<std::string> name = percent_decode(path.substr(1));
    if (!name) return HttpResponse::text(400, "400 bad request\n");
    auto found = files_.find(*name);
    if (found == files_.end() && (name->empty() || name->back() == '/'))
        found = files_.find(*name + "index.html");
    const std::size_t last = name->rfind('/');
    const bool is_route =
        name->find('.', last == std::string::npos ? 0 : last) == std::string::npos;
    if (found == files_.end() && is_route) found = files_.find("index.html");
    if (found == files_.end()) return HttpResponse::text(404, "404 page not found\n");
    return answer(request, found->second);
}

}  // namespace confab::net
