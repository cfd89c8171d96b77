#ifndef SYNCLINE_WIRE_BUNDLE_SERVER_HPP
#define SYNCLINE_WIRE_BUNDLE_SERVER_HPP

#include <syncline/engine/authority_types.hpp>
#include <syncline/support/json_tape.hpp>
#include <syncline/support/json_writer.hpp>
#include <syncline/support/random.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/time.hpp>
#include <syncline/support/uuid.hpp>
#include <syncline/support/version.hpp>
#include <syncline/transport/json_error.hpp>
#include <syncline/transport/message.hpp>
#include <syncline/transport/principal.hpp>
#include <syncline/wire/authority_time.hpp>
#include <syncline/wire/incarnation.hpp>
#include <syncline/wire/bundle/messages.hpp>
#include <syncline/wire/bundle/routes.hpp>
#include <syncline/wire/bundle/watch_server.hpp>
#include <syncline/wire/server_listeners.hpp>
#include <syncline/wire/server_status.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

/// How a server of the bundle wire is set up.
struct bundle_server_options {
    std::string prefix = "/sync";          ///< everything lies below it
    std::string schema_name = "public";    ///< the schema that the models' tables are in, on the wire
    std::string app_name;                  ///< shown by `capabilities`; empty: none
    std::int64_t schema_version = 1;       ///< shown by `capabilities`
    const bundle_wire::dialect* speaks = &bundle_wire::g0;  ///< the generation of the protocol; never null, outlives the server
    bundle_wire::limits bounds;
    json_limits json;                      ///< bounds of a request's body
    bundle_watch_options watch = {};       ///< whether and how devices are told of new bundles at once
};

/// The server side of the bundle wire (sheet `bundle`, sections 1.1 to 1.13): a translation between its messages and an authority. Does no
/// I/O, reads no clock and draws no randomness; a host hands it requests with the principal that its authenticator named, the time, and a
/// source of random session ids. One object is used by one thread at a time.
/// @tparam Authority  an `authority<Store>`; outlives the server
template <class Authority>
class bundle_server {
public:
    explicit bundle_server(Authority& engine, bundle_server_options options = {})
        : engine_(&engine), options_(std::move(options)), names_(engine.schemas(), options_.schema_name, *options_.speaks), watch_(engine, options_.watch) {}

    /// Answers @p r. JSON, but for a 204 without body; an error is `{"error":code,"message":text}` with a fitting status, and then nothing
    /// was changed. Every answer tells the authority's time.
    [[nodiscard]] response handle(const request& r, const principal& who, timestamp now, random_source random) {
        newest_ = now;
        served_ = {};
        response answer = answered(r, who, now, random);
        tell_authority_time(answer, newest_);
        return answer;
    }

    /// The endpoint `watch`: who is told of new bundles, and by whom.
    [[nodiscard]] bundle_watch_endpoint<Authority>& watch() noexcept { return watch_; }

    /// That the host mounts a page about the server: capabilities say so.
    void offer_status() noexcept { has_status_ = true; }
    /// Tells @p status what this wire says of itself to whoever asks, signed in or not.
    void describe(server_status& status) const {
        status.app_name = options_.app_name;
        for (const auto& schema : names_.schemas()) status.tables.push_back(std::string{names_.schema_name()}.append(".").append(schema.table_name()));
        std::sort(status.tables.begin(), status.tables.end());
        status.features = features(watch_.hub() != nullptr);
    }

    /// What the last request did.
    [[nodiscard]] const served_request& served() const noexcept { return served_; }

private:
    [[nodiscard]] response answered(const request& r, const principal& who, timestamp now, random_source random) {
        std::string_view path = path_without_query(r.path);
        const bool here = path.starts_with(options_.prefix);
        if (here) path.remove_prefix(options_.prefix.size());
        const auto target = here ? bundle_wire::route(path) : std::nullopt;
        if (!target) return json_error(404, "not_found", "there is nothing at this path");
        if (const http_method expected = bundle_wire::method_of(target->what, r.method); expected != r.method) {
            response refused = json_error(405, "method_not_allowed", std::string{"Only "}.append(name_of(expected)).append(" method is allowed"));
            set_header(refused.headers, "Allow", name_of(expected));
            return refused;
        }
        caller from{who.tenant, who.id, {}};
        const auto source = find_header(r.headers, "Oversync-Source-ID");
        from.source = std::string{field_value(source.value_or(std::string_view{}))};
        if (bundle_wire::detail::trimmed(from.source).empty()) return json_error(400, "invalid_request", "Oversync-Source-ID header is required");
        if (auto r2 = bundle_wire::detail::check_id(from.source, "Oversync-Source-ID"); !r2) return json_error(400, "invalid_request", r2.error().detail);
        if (const auto presented = find_header(r.headers, epoch_header))
            if (auto other = refuse_other_incarnation(*engine_, from.tenant, percent_decode(*presented).value_or(std::string{*presented})))
                return std::move(*other);
        switch (target->what) {
        case place::capabilities: return handle_capabilities(who);
        case place::connect: return handle_connect(r, from, now, random);
        case place::watch: return watch_.answer(r, who, now);
        case place::push_sessions: return handle_create(r, from, now, random);
        case place::chunks: return handle_chunk(r, from, target->id, now);
        case place::commit: return handle_commit(from, target->id, now);
        case place::push_session: return answer_dropped(bundle_wire::step::drop_session, engine_->delete_session(from, target->id, now));
        case place::committed_rows: return handle_committed_rows(r, from, target->id);
        case place::pull: return handle_pull(r, from, now);
        case place::snapshot_sessions: return handle_snapshot(r, from, now, random);
        case place::snapshot_session:
            if (r.method == http_method::erase)
                return answer_dropped(bundle_wire::step::drop_snapshot, engine_->delete_snapshot(from, target->id));
            return handle_snapshot_page(r, from, target->id, now);
        }
        return json_error(404, "not_found", "there is nothing at this path");
    }

    using step = bundle_wire::step;
    using place = bundle_wire::place;

    // A header's value as HTTP has it: without the blanks around it, and nothing else is taken away.
    [[nodiscard]] static std::string_view field_value(std::string_view text) noexcept {
        while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
        while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
        return text;
    }

    // A fault of the engine. A source that was retired is told which took its place.
    [[nodiscard]] response refused(step what, const caller& from, const fault& why) const {
        if (why.code != errc::source_retired) return fault_response(what, why);
        auto known = engine_->standing(from.tenant, from.source);
        if (!known) return fault_response(what, known.error());
        return bundle_wire::source_retired_response(from.source, known->replaced_by, why.detail);
    }

    [[nodiscard]] response body_fault(step what, const fault& why) const {
        if (why.code == errc::too_large) return json_error(413, "too_large", why.detail);
        return fault_response(what, why);
    }

    [[nodiscard]] static response answer_dropped(step what, const result<void>& done) {
        if (!done) return fault_response(what, done.error());
        return response{204, {}, {}};
    }

    [[nodiscard]] std::vector<std::pair<std::string, bool>> features(bool watching) const {
        auto out = bundle_wire::offered_features();
        for (auto& [name, on] : out) {
            if (name == "bundle_change_watch") on = watching;
            if (name == "status_endpoint" || name == "retained_floor_visibility" || name == "retained_window_visibility" ||
                name == "history_pruned_visibility")
                on = has_status_;
        }
        return out;
    }

    [[nodiscard]] response handle_capabilities(const principal& who) const {
        bundle_wire::capabilities c;
        c.protocol_version = names_.speaks().protocol_version;
        c.app_name = options_.app_name;
        c.schema_version = options_.schema_version;
        c.features = features(watch_.offered_to(who));
        c.bounds = options_.bounds;
        c.bounds.push_session_ttl_seconds = c.bounds.snapshot_session_ttl_seconds = engine_->options().session_ttl.count();
        c.bounds.initialization_lease_ttl_seconds = engine_->options().initialization_lease_ttl.count();
        return json_response(200, bundle_wire::write_capabilities(names_, c));
    }

    [[nodiscard]] response handle_connect(const request& r, const caller& from, timestamp now, random_source random) {
        auto has_rows = bundle_wire::read_connect(r.body, options_.json);
        if (!has_rows) return body_fault(step::connect, has_rows.error());
        auto answer = engine_->connect(from, *has_rows, to_string(make_uuid_v4(random)), now);
        if (!answer) return refused(step::connect, from, answer.error());
        auto head = engine_->head(from.tenant);
        if (!head) return fault_response(step::connect, head.error());
        return json_response(200, bundle_wire::write_connect_answer(*answer, {head->epoch, head->lost}));
    }

    [[nodiscard]] response handle_create(const request& r, const caller& from, timestamp now, random_source random) {
        auto message = bundle_wire::read_create(r.body, options_.json, names_.speaks());
        if (!message) return body_fault(step::create, message.error());
        if (options_.bounds.max_rows_per_bundle > 0 && message->planned_row_count > options_.bounds.max_rows_per_bundle) {
            // What was committed before there was such a limit is known all the same.
            auto known = engine_->committed_bundle(from, message->source_bundle_id);
            if (!known) return fault_response(step::create, known.error());
            if (!*known)
                return fault_response(step::create, make_fault(errc::too_large, "a bundle has at most ",
                                                               std::to_string(options_.bounds.max_rows_per_bundle), " rows here"));
        }
        auto answer = engine_->create_session(from, message->source_bundle_id, message->planned_row_count, to_string(make_uuid_v4(random)), now,
                                              std::move(message->initialization_id));
        if (!answer) return refused(step::create, from, answer.error());
        auto head = engine_->head(from.tenant);
        if (!head) return fault_response(step::create, head.error());
        if (!answer->already_committed)
            return json_response(200, bundle_wire::write_staging(answer->session.id, answer->session.planned_rows, {head->epoch, head->lost}));
        auto committed = committed_head_of(from, *answer->already_committed);
        if (!committed) return fault_response(step::create, committed.error());
        return json_response(200, bundle_wire::write_already_committed(*committed, {head->epoch, head->lost}));
    }

    [[nodiscard]] response handle_chunk(const request& r, const caller& from, const std::string& id, timestamp now) {
        bundle_wire::chunk_fault bad;
        auto chunk = bundle_wire::read_chunk(r.body, names_, options_.json, most(options_.bounds.max_rows_per_push_chunk), now, bad);
        if (!chunk) return bundle_wire::chunk_refused(bad);
        auto next = engine_->append_chunk(from, id, chunk->first, chunk->rows, now, {r.body.size(), static_cast<std::uint64_t>(options_.bounds.max_bytes_per_bundle)});
        if (!next) return fault_response(step::chunk, next.error());
        return json_response(200, bundle_wire::write_chunk_answer(id, *next));
    }

    [[nodiscard]] response handle_commit(const caller& from, const std::string& id, timestamp now) {
        auto answer = engine_->commit_session(from, id, now);
        if (!answer) return refused(step::commit, from, answer.error());
        push_served served{{from.principal, from.tenant}, from.source};
        served.applied = answer->committed ? answer->committed->row_count : 0;
        for (const auto& o : answer->obstacles) ++(o.what == commit_obstacle::kind::refused ? served.refused : served.conflicts);
        served_ = std::move(served);
        if (!answer->committed) {
            for (const auto& o : answer->obstacles)
                if (o.server_written_at != unknown_time) note_write(o.server_written_at);
            if (answer->obstacles.empty()) return fault_response(step::commit, fault{errc::bug, "the commit was refused without a reason"});
            return bundle_wire::obstacles_response(names_, answer->obstacles);
        }
        auto committed = committed_head_of(from, *answer->committed);
        // The bundle is in; that its hash cannot be told must not look like a failed commit. The device asks again and gets it then.
        if (!committed) return fault_response(step::commit, fault{errc::unavailable, committed.error().detail});
        return json_response(200, bundle_wire::write_committed(*committed));
    }

    [[nodiscard]] response handle_committed_rows(const request& r, const caller& from, const std::string& id) {
        auto seq = bundle_wire::query_number(std::string{"?s="}.append(percent_encode(id)), "s", 0, 1);
        if (!seq) return json_error(400, "committed_bundle_chunk_invalid", "the path names a bundle by its number, from 1");
        auto after = bundle_wire::query_number(r.path, "after_row_ordinal", -1, 0);
        if (!after) return fault_response(step::committed_rows, after.error());
        auto limit = bundle_wire::query_number(r.path, "max_rows", options_.bounds.default_rows_per_committed_bundle_chunk, 1);
        if (!limit) return fault_response(step::committed_rows, limit.error());
        if (*after >= (std::numeric_limits<std::uint32_t>::max)())
            return json_error(400, "committed_bundle_chunk_invalid", "`after_row_ordinal` is a number of 32 bits");
        const std::int64_t first = *after + 1;
        const std::size_t count = (std::min)(static_cast<std::size_t>(*limit), most(options_.bounds.max_rows_per_committed_bundle_chunk));
        auto part = engine_->committed_rows(from, *seq, static_cast<std::uint32_t>(first), count);
        if (!part) return fault_response(step::committed_rows, part.error());
        note_writes(part->rows);
        auto hash = hash_of(from, part->head, first == 0 && part->rows.size() == part->head.row_count ? &part->rows : nullptr);
        if (!hash) return fault_response(step::committed_rows, hash.error());
        const bundle_wire::committed_head head{part->head.seq, part->head.source, bundle_wire::source_bundle_id_of(part->head),
                                               part->head.row_count, std::move(*hash), {}};
        return json_response(200, bundle_wire::write_committed_page(names_, head, part->rows, first, *after));
    }

    [[nodiscard]] response handle_pull(const request& r, const caller& from, timestamp now) {
        auto after = bundle_wire::query_number(r.path, "after_bundle_seq", 0, 0);
        if (!after) return fault_response(step::pull, after.error());
        const std::int64_t bound = options_.bounds.max_bundles_per_pull;
        auto limit = bundle_wire::query_number(r.path, "max_bundles", bound > 0 ? (std::min<std::int64_t>)(1000, bound) : 1000, 1);
        if (!limit) return fault_response(step::pull, limit.error());
        auto target = bundle_wire::query_number(r.path, "target_bundle_seq", 0, 0);
        if (!target) return fault_response(step::pull, target.error());
        if (bound > 0 && *limit > bound)
            return json_error(400, "invalid_request", std::string{"`max_bundles` is at most "}.append(std::to_string(bound)));
        auto page = engine_->bundles_after(from, *after, static_cast<std::size_t>(*limit), *target, now);
        if (!page) return fault_response(step::pull, page.error());
        auto head = engine_->head(from.tenant);
        if (!head) return fault_response(step::pull, head.error());
        std::vector<std::string> hashes;
        for (const auto& b : page->bundles) {
            note_writes(b.rows);
            auto hash = hash_of(from, b.head, &b.rows);
            if (!hash) return fault_response(step::pull, hash.error());
            hashes.push_back(std::move(*hash));
        }
        pull_served served{{from.principal, from.tenant}, from.source};
        for (const auto& b : page->bundles) served.rows += b.rows.size();
        served.more = page->more;
        served_ = std::move(served);
        return json_response(200, bundle_wire::write_pull_answer(names_, *page, hashes, {head->epoch, head->lost}));
    }

    [[nodiscard]] response handle_snapshot(const request& r, const caller& from, timestamp now, random_source random) {
        auto replacing = bundle_wire::read_snapshot_request(r.body, options_.json);
        if (!replacing) return body_fault(step::make_snapshot, replacing.error());
        auto made = engine_->create_snapshot(from, to_string(make_uuid_v4(random)), now, *replacing, options_.bounds.max_rows_per_snapshot_session);
        if (!made) return refused(step::make_snapshot, from, made.error());
        auto bytes = bytes_of(from, *made, now);
        if (!bytes) return fault_response(step::make_snapshot, bytes.error());
        const std::int64_t most_bytes = options_.bounds.max_bytes_per_snapshot_session;
        if (most_bytes > 0 && *bytes > most_bytes) {
            if (auto dropped = engine_->delete_snapshot(from, made->id); !dropped) return fault_response(step::make_snapshot, dropped.error());
            return fault_response(step::make_snapshot, make_fault(errc::too_large, "this account has ", std::to_string(*bytes),
                                                                  " octets, a snapshot has at most ", std::to_string(most_bytes)));
        }
        auto head = engine_->head(from.tenant);
        if (!head) return fault_response(step::make_snapshot, head.error());
        return json_response(200, bundle_wire::write_snapshot(*made, *bytes, {head->epoch, head->lost}));
    }

    // The octets of a snapshot's payloads (sheet 1.11).
    [[nodiscard]] result<std::int64_t> bytes_of(const caller& from, const snapshot_head& made, timestamp now) {
        constexpr std::size_t page = 1000;
        std::int64_t bytes = 0;
        std::string text;
        for (std::uint32_t at = 0; at < made.row_count; at += page) {
            auto rows = engine_->snapshot_page(from, made.id, at, page, now);
            if (!rows) return std::move(rows).error();
            for (const auto& row : rows->second) {
                if (!row.row) continue;
                text.clear();
                json_writer w{text};
                bundle_wire::write_payload(w, names_, row.key, *row.row);
                bytes += static_cast<std::int64_t>(text.size());
            }
        }
        return bytes;
    }

    [[nodiscard]] response handle_snapshot_page(const request& r, const caller& from, const std::string& id, timestamp now) {
        auto after = bundle_wire::query_number(r.path, "after_row_ordinal", 0, 0);
        if (!after) return fault_response(step::snapshot_page, after.error());
        auto limit = bundle_wire::query_number(r.path, "max_rows", options_.bounds.default_rows_per_snapshot_chunk, 1);
        if (!limit) return fault_response(step::snapshot_page, limit.error());
        if (*after > (std::numeric_limits<std::uint32_t>::max)())
            return json_error(400, "snapshot_chunk_invalid", "`after_row_ordinal` is a number of 32 bits");
        const std::size_t count = (std::min)(static_cast<std::size_t>(*limit), most(options_.bounds.max_rows_per_snapshot_chunk));
        // The engine counts from 0, so the row after the wire's ordinal n (from 1) is the engine's row n.
        auto page = engine_->snapshot_page(from, id, static_cast<std::uint32_t>(*after), count, now);
        if (!page) return fault_response(step::snapshot_page, page.error());
        note_write(page->first.newest_write);
        const std::int64_t upto = *after + static_cast<std::int64_t>(page->second.size());
        const bool more = !page->second.empty() && upto < static_cast<std::int64_t>(page->first.row_count);
        served_ = pull_served{{from.principal, from.tenant}, from.source, page->second.size(), more, true};
        return json_response(200, bundle_wire::write_snapshot_page(names_, page->first, page->second, *after));
    }

    void note_write(timestamp written_at) noexcept { newest_ = (std::max)(newest_, written_at); }
    void note_writes(const std::vector<row_change>& rows) noexcept {
        for (const auto& row : rows) note_write(row.written_at);
    }

    [[nodiscard]] static std::size_t most(std::int64_t bound) noexcept {
        return bound > 0 ? static_cast<std::size_t>(bound) : (std::numeric_limits<std::size_t>::max)();
    }

    [[nodiscard]] result<bundle_wire::committed_head> committed_head_of(const caller& from, const bundle_receipt& receipt) {
        bundle_wire::committed_head out{receipt.seq, receipt.source, receipt.source_bundle_id, receipt.row_count, {}, receipt.content_hash};
        bundle_head head;
        head.seq = receipt.seq;
        head.source = receipt.source;
        head.source_bundle_id = receipt.source_bundle_id;
        head.row_count = receipt.row_count;
        auto hash = hash_of(from, head, nullptr);
        if (hash)
            out.bundle_hash = std::move(*hash);
        else if (hash.error().code != errc::history_pruned)
            return std::move(hash).error();  // forgotten rows have no hash, and say so themselves when they are asked for
        return out;
    }

    // A bundle is fetched in pages that all carry its hash: the last one computed is kept.
    [[nodiscard]] result<std::string> hash_of(const caller& from, const bundle_head& head, const std::vector<row_change>* rows) {
        std::string name = from.tenant;
        name.push_back('\0');
        name.append(head.source).push_back('\0');
        name.append(std::to_string(head.source_bundle_id)).append(":").append(std::to_string(head.seq)).append(":").append(std::to_string(head.row_count));
        if (name == hashed_name_) return hashed_;
        result<std::string> hash = make_fault(errc::bug, "no rows");
        if (rows != nullptr) {
            hash = bundle_wire::bundle_hash(names_, *rows);
        } else {
            auto whole = engine_->committed_rows(from, head.seq, 0, head.row_count);
            if (!whole) return std::move(whole).error();
            hash = bundle_wire::bundle_hash(names_, whole->rows);
        }
        if (!hash) return hash;
        hashed_name_ = std::move(name);
        hashed_ = *hash;
        return hash;
    }

    Authority* engine_;
    bundle_server_options options_;
    bundle_wire::table_names names_;
    bundle_watch_endpoint<Authority> watch_;
    bool has_status_ = false;
    std::string hashed_name_;
    std::string hashed_;
    timestamp newest_{};  // of the request that runs: its time, and that of every row that the answer shows
    served_request served_;
};

SYNCLINE_NAMESPACE_END

#endif
