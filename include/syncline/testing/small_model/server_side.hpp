#ifndef SYNCLINE_TESTING_SMALL_MODEL_SERVER_SIDE_HPP
#define SYNCLINE_TESTING_SMALL_MODEL_SERVER_SIDE_HPP

#include <syncline/change/bundle.hpp>
#include <syncline/change/receipt.hpp>
#include <syncline/engine/authority.hpp>
#include <syncline/engine/authority_types.hpp>
#include <syncline/engine/content_hash.hpp>
#include <syncline/storage/authority_store.hpp>
#include <syncline/storage/memory_authority_store.hpp>
#include <syncline/support/time.hpp>
#include <syncline/support/version.hpp>
#include <syncline/testing/small_model/names.hpp>
#include <syncline/testing/small_model/parts.hpp>
#include <syncline/testing/small_model/rules.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

namespace testing::small_model {

/// A record at one of its versions, as the server had it.
struct version_fact {
    std::int64_t version = 0;
    std::uint32_t row = 0;  ///< its number
};

/// What the server holds.
struct server_part {
    std::shared_ptr<memory_authority_store> store;
    std::array<std::vector<version_fact>, record_count> history;  ///< ascending
    std::vector<row_change> log;                                  ///< by stamp
    std::vector<batch_part> decided;                              ///< every request that a receipt is kept of
    std::int64_t seq = 0;
    cursor stamp = 0;
    fingerprints names;

    /// Where a device stands that has everything.
    [[nodiscard]] cursor end(wire_kind wire) const noexcept { return wire == wire_kind::mutation ? stamp : seq; }
    [[nodiscard]] version_fact newest(std::size_t record) const { return history[record].empty() ? version_fact{} : history[record].back(); }
    /// The number of the row that @p record had at @p version; nothing: it never had that version.
    [[nodiscard]] std::optional<std::uint32_t> row_at(std::size_t record, std::int64_t version) const {
        for (const auto& fact : history[record])
            if (fact.version == version) return fact.row;
        return version == 0 ? std::optional<std::uint32_t>{0} : std::nullopt;
    }
};

/// The server after a request, and its answer.
struct answered {
    part_number server = 0;  ///< 0: a violation was noted
    part_number message = 0;
};

/// The server's side of an exploration. Every step is the engine's: it runs on a copy of the store, once for each pair of a state and a request.
class server_side {
public:
    server_side(surroundings& in, traffic& on_the_way) : in_(&in), traffic_(&on_the_way) {
        options_.resolvers = resolver_set{in.how.decides};
        options_.max_clock_drift = std::chrono::hours{1};  // the clocks stand still: what counts up beyond them is to be believed
    }

    [[nodiscard]] const server_part& operator[](part_number n) const { return parts_[n]; }
    [[nodiscard]] std::size_t size() const noexcept { return parts_.size(); }

    /// A server on which the host has written @p records, in that order. @pre at least one
    [[nodiscard]] part_number fresh(const std::vector<std::uint8_t>& records) {
        auto store = std::make_shared<memory_authority_store>(in_->schemas);
        authority<memory_authority_store> engine{*store, options_};
        auto written = engine.write_as("tenant", "host", [&](memory_authority_store::transaction& t) -> result<void> {
            for (const auto r : records)
                if (auto done = t.write(key_of(r), record{{value::integer(1), value::integer(in_->counts() ? 0 : 2)}}); !done) return done;
            return {};
        }, wall_clock);
        if (!in_->went(written, "the host's first write")) return 0;
        return keep(0, std::move(store));
    }

    /// The server after it got the batch @p n, and its answer.
    [[nodiscard]] answered pushed(part_number server, part_number batch) {
        return once(pushed_, (std::uint64_t{server} << 32U) | batch, [&] { return push(server, traffic_->batches[batch], true); });
    }

    /// The answer to a device that asks for what comes after @p from. @param batch  in flight there; 0: none
    [[nodiscard]] part_number pulled(part_number server, std::uint8_t device, cursor from, part_number batch) {
        std::array<std::uint64_t, 4> key{server, device, static_cast<std::uint64_t>(from), batch};
        if (const auto at = pulled_.find(key); at != pulled_.end()) return at->second;
        const part_number made = pull(server, device, from, batch);
        if (made != 0) pulled_.emplace(key, made);
        return made;
    }

    /// The answer to a device that committed @p batch as bundle @p seq and asks for its rows (bundle wire).
    [[nodiscard]] part_number rows_of(part_number server, part_number batch, std::int64_t seq) {
        const batch_part& b = traffic_->batches[batch];
        memory_authority_store copy = parts_[server].store->copy();
        authority<memory_authority_store> engine{copy, options_};
        auto rows = engine.committed_rows(surroundings::caller_of(b.device), seq, 0, 100);
        if (!in_->went(rows, "fetching what was committed")) return 0;
        message_part m;
        m.what = message_part::kind::committed;
        m.batch_id = b.head.id;
        m.seq = seq;
        take_rows(m, *rows);
        return traffic_->add(*in_, std::move(m));
    }

private:
    template <class Key, class Make>
    [[nodiscard]] answered once(std::unordered_map<Key, answered>& known, Key key, Make make) {
        if (const auto at = known.find(key); at != known.end()) return at->second;
        const answered made = make();
        if (made.server != 0 && made.message != 0) known.emplace(key, made);
        return made;
    }

    static void take_rows(message_part& m, const bundle& b) {
        for (const auto& row : b.rows) {
            m.images.push_back({row.key, row.version, row.after, {}});
            m.heard = (std::max)(m.heard, row.written_at);
        }
    }

    // @param judge  whether to look at what was written; a request that comes again writes nothing
    [[nodiscard]] answered push(part_number server, const batch_part& b, bool judge) {
        const caller who = surroundings::caller_of(b.device);
        auto store = std::make_shared<memory_authority_store>(parts_[server].store->copy());
        authority<memory_authority_store> engine{*store, options_};
        message_part m;
        m.batch_id = b.head.id;
        bool written = true;
        if (in_->how.wire == wire_kind::mutation) {
            m.what = message_part::kind::outcomes;
            auto answer = engine.push(who, b.items, wall_clock);
            if (!in_->went(answer, "a push")) return {};
            m.heard = (std::max)(m.heard, answer->newest_write);
            m.outcomes = std::move(answer->outcomes);
            for (auto& o : m.outcomes) {
                o.rule.clear();
                in_->require(o.kind != outcome_kind::error, "a mutation was left undecided");
                o.exact = answer->told_whole != 0 && o.kind == outcome_kind::applied && o.version == answer->told_whole && o.clean && !o.carries_row;
            }
        } else {
            m.what = message_part::kind::commit;
            auto session = engine.create_session(who, b.head.source_bundle_id, static_cast<std::uint32_t>(b.items.size()), "session", wall_clock);
            if (!in_->went(session, "creating a push session")) return {};
            if (session->already_committed) {
                in_->require(session->already_committed->content_hash == bundle_content_hash(in_->schemas, b.items), "a device used a bundle number again for other content");
                m.commit.committed = std::move(session->already_committed);
            } else {
                if (!in_->went(engine.append_chunk(who, "session", 0, b.items, wall_clock), "uploading")) return {};
                auto done = engine.commit_session(who, "session", wall_clock);
                if (!in_->went(done, "committing")) return {};
                m.commit = std::move(*done);
                written = m.commit.committed.has_value();
                if (!written) (void)engine.delete_session(who, "session", wall_clock);
            }
            for (const auto& o : m.commit.obstacles) m.heard = (std::max)(m.heard, o.server_written_at);
        }
        const part_number made = keep(server, std::move(store));
        if (made == 0) return {};
        in_->require(written || made == server, "a bundle that was refused left something behind");
        if (judge && written) judge_push(parts_[server], parts_[made], b, m);
        if (judge && in_->violation.empty() && made != server) {
            // A request that comes twice changes nothing: once at once, and then as any earlier one may.
            come_again(made);
        }
        return {made, traffic_->add(*in_, std::move(m))};
    }

    // Every batch that was ever decided here comes once more.
    void come_again(part_number server) {
        if (!looked_at_.emplace(server, true).second) return;
        for (const auto& b : parts_[server].decided)
            in_->require(push(server, b, false).server == server, "a request that came again changed the server's state");
    }

    // What a push must not do: write over a value that its user has not seen and nobody decided about, or acknowledge what is not there.
    void judge_push(const server_part& before, const server_part& after, const batch_part& b, const message_part& m) {
        in_->require(after.seq <= before.seq + 1 && after.log.size() >= before.log.size(), "a push made more than one bundle, or the log lost something");
        for (std::size_t i = 0; i < before.log.size() && in_->violation.empty(); ++i)
            in_->require(after.log[i] == before.log[i], "an entry of the log was changed");
        const std::size_t count = in_->schemas[0].fields.size();
        for (std::size_t i = 0; i < b.items.size() && in_->violation.empty(); ++i) {
            const intent& what = b.items[i].what;
            const outcome* o = m.outcomes.empty() ? nullptr : &m.outcomes[i];
            const bool repeated = o != nullptr ? o->repeated : before.seq == after.seq;
            if (repeated) continue;
            const auto old_row = row_in(before, what.key);
            const auto new_row = row_in(after, what.key);
            if (o != nullptr && o->kind != outcome_kind::applied) {
                in_->require(old_row == new_row, "a change that was not applied changed its record");
                in_->require(others_wrote(before, b.device, what), "a change was not applied, and nobody else has changed its record");
                continue;
            }
            if (in_->counts() && old_row && new_row && what.op == operation::update && what.changes.find(1) != nullptr) {
                const std::int64_t seen = what.before ? what.before->fields[1].as_integer() : 0;
                in_->require(new_row->fields[1].as_integer() == old_row->fields[1].as_integer() + what.changes.find(1)->as_integer() - seen,
                             "field `b` was not counted up by what the user added");
            }
            if (o != nullptr && met_others(*o)) {  // decided by a rule or a resolver, and told
                in_->require(others_wrote(before, b.device, what), "a change was judged as meeting others' changes, and nobody else has changed its record");
                continue;
            }
            if (what.op == operation::erase) {
                in_->require(!new_row, "an acknowledged erase left the record there");
                for (std::size_t f = 0; f < count && old_row; ++f) unseen(b.device, what, static_cast<field_index>(f), old_row->fields[f]);
                continue;
            }
            if (!in_->require(new_row.has_value(), "an acknowledged write left no record")) return;
            for (const auto& c : what.changes) {
                const value& was = old_row ? old_row->fields[c.field] : value{};
                if (in_->counts() && c.field == 1 && old_row && what.op == operation::update) continue;
                in_->require(new_row->fields[c.field] == c.to, "an acknowledged value is not there");
                if (old_row) unseen(b.device, what, c.field, was);
            }
        }
    }
    // Whether anybody but @p device has changed the record since the version that @p what is made on.
    [[nodiscard]] bool others_wrote(const server_part& before, std::uint8_t device, const intent& what) const {
        for (const auto& change : before.log) {
            if (change.key != what.key || change.version <= what.base.row_version) continue;
            const auto whose = in_->names.ids.find(change.writer);
            if (whose == in_->names.ids.end() || whose->second.device != device) return true;
        }
        return false;
    }
    void unseen(std::uint8_t device, const intent& what, field_index f, const value& was) {
        if (in_->counts() && f == 1) return;
        const bool seen = (what.before && what.before->fields[f] == was) || writer_of(was) == device;
        if (!seen) in_->fail(std::string{"field `"}.append(in_->schemas[0].fields[f].name).append("` was written over without a decision, though its value was never seen"));
    }
    [[nodiscard]] static std::optional<record> row_in(const server_part& part, const record_key& key) {
        for (auto at = part.log.rbegin(); at != part.log.rend(); ++at)
            if (at->key == key) return at->after;
        return std::nullopt;
    }

    [[nodiscard]] part_number pull(part_number server, std::uint8_t device, cursor from, part_number batch) {
        memory_authority_store copy = parts_[server].store->copy();  // what a pull notes is about pruning alone
        authority<memory_authority_store> engine{copy, options_};
        const caller who = surroundings::caller_of(device);
        message_part m;
        if (in_->how.wire == wire_kind::mutation) {
            m.what = message_part::kind::page;
            pull_query query;
            query.from = from;
            query.limit = 1;
            if (batch != 0)
                for (const auto& item : traffic_->batches[batch].items) query.in_flight.push_back(item.id);
            auto answer = engine.pull(who, query, wall_clock);
            if (!in_->went(answer, "a pull")) return 0;
            m.rows = std::move(answer->rows);
            m.heard = (std::max)(m.heard, answer->newest_write);
        } else {
            m.what = message_part::kind::bundle;
            auto answer = engine.bundles_after(who, from, 1, 0, wall_clock);
            if (!in_->went(answer, "a pull")) return 0;
            if (!in_->require(answer->bundles.size() == 1, "a pull behind the end brings nothing")) return 0;
            m.from = from;
            m.seq = answer->bundles.front().head.seq;
            take_rows(m, answer->bundles.front());
        }
        return traffic_->add(*in_, std::move(m));
    }

    // Reads the store, checks what holds of every server, and gives the part its number.
    [[nodiscard]] part_number keep(part_number was, std::shared_ptr<memory_authority_store> store) {
        server_part out;
        std::map<std::string, receipt> receipts;
        std::vector<std::vector<bundle_receipt>> bundles(in_->within.devices);
        std::array<std::optional<sealed_row>, record_count> sealed;
        {
            auto t = store->begin("tenant", access::snapshot);
            if (!in_->went(t, "reading the server")) return 0;
            auto head = t->head();
            if (!in_->went(head, "reading the server")) return 0;
            out.seq = head->seq;
            out.stamp = head->stamp;
            for (std::size_t r = 0; r < record_count; ++r) {
                auto row = t->sealed(key_of(r));
                auto live = t->current(key_of(r));
                auto history = t->history_of(key_of(r));
                if (!row || !live || !history) return in_->fail("the server cannot be read"), 0;
                sealed[r] = std::move(*row);
                in_->require(*live == (sealed[r] ? sealed[r]->row : std::optional<record>{}), "the app's row is not what was sealed last");
                for (auto& change : *history) {
                    out.history[r].push_back({change.version, in_->rows.of(change.after)});
                    out.log.push_back(std::move(change));
                }
            }
            std::sort(out.log.begin(), out.log.end(), [](const row_change& a, const row_change& b) { return a.stamp < b.stamp; });
            for (std::size_t i = 1; i < out.log.size(); ++i) {
                in_->require(out.log[i - 1].stamp < out.log[i].stamp && out.log[i - 1].version <= out.log[i].version, "stamps or versions do not rise");
                for (std::size_t j = 0; j < i; ++j)
                    in_->require(out.log[j].writer != out.log[i].writer || out.log[j].version == out.log[i].version, "one mutation took effect twice");
            }
            for (std::size_t d = 0; d < in_->within.devices; ++d)
                for (std::int64_t n = 1; in_->how.wire == wire_kind::bundle; ++n) {
                    auto known = t->find_bundle_receipt(surroundings::source_of(d), n);
                    if (!known || !*known) break;
                    bundles[d].push_back(std::move(**known));
                }
            for (const auto& id : in_->names.mutations) {
                if (in_->how.wire == wire_kind::bundle) break;
                const id_meaning& meaning = in_->names.ids.at(id);
                auto known = t->find_receipt(surroundings::caller_of(meaning.device).principal, id);
                if (known && *known) receipts.emplace(id, std::move(**known));
            }
        }
        in_->require(was == 0 || (out.seq >= parts_[was].seq && out.stamp >= parts_[was].stamp), "the log went back");
        std::string plain;
        out.names = write_under(in_->all, in_->names, plain, [&](part_writer& w) { write(w, out, sealed, receipts, bundles); });
        out.decided = decided_in(receipts, bundles);
        out.store = std::move(store);
        return parts_.number_of(std::move(plain), [&] { return std::move(out); });
    }

    [[nodiscard]] std::vector<batch_part> decided_in(const std::map<std::string, receipt>& receipts, const std::vector<std::vector<bundle_receipt>>& bundles) const {
        std::map<std::array<std::uint64_t, 2>, std::map<std::uint32_t, mutation>> found;
        for (const auto& [id, kept] : receipts) {
            const id_meaning& m = in_->names.ids.at(id);
            found[{m.device, m.batch}].emplace(m.position, mutation{id, in_->names.contents.at(kept.content_hash)});
        }
        std::vector<batch_part> out;
        for (const auto& [whose, items] : found) {
            batch_part b;
            b.device = static_cast<std::uint8_t>(whose[0]);
            b.head.id = whose[1];
            for (const auto& [position, m] : items) b.items.push_back(m);
            out.push_back(std::move(b));
        }
        for (std::size_t d = 0; d < bundles.size(); ++d)
            for (const auto& kept : bundles[d]) {
                batch_part b;
                b.device = static_cast<std::uint8_t>(d);
                b.head.source_bundle_id = kept.source_bundle_id;
                b.items = in_->names.bundles.at(kept.content_hash);
                out.push_back(std::move(b));
            }
        return out;
    }

    void write(part_writer& w, const server_part& part, const std::array<std::optional<sealed_row>, record_count>& sealed,
               const std::map<std::string, receipt>& receipts, const std::vector<std::vector<bundle_receipt>>& bundles) const {
        w.number(part.seq);
        w.number(part.stamp - to_microseconds(wall_clock));
        for (std::size_t place = 0; place < record_count; ++place) {
            const std::size_t r = w.as().record[0] == 0 ? place : record_count - 1 - place;
            w.flag(sealed[r].has_value());
            if (!sealed[r]) continue;
            w.number(sealed[r]->version);
            w.put(sealed[r]->row);
            w.time(sealed[r]->written_at);
        }
        for (const auto& change : part.log) {
            w.key(change.key);
            w.number(change.version);
            w.number(change.stamp - to_microseconds(wall_clock));
            w.put(change.after);
            w.number(static_cast<std::int64_t>(change.fields.words()[0]));
            w.id(change.writer);
            w.time(change.written_at);
        }
        // By device, batch and place under their new names.
        std::map<std::array<std::uint64_t, 3>, const receipt*> ordered;
        for (const auto& [id, kept] : receipts) {
            const id_meaning& m = in_->names.ids.at(id);
            ordered.emplace(std::array<std::uint64_t, 3>{w.as().device[m.device], m.batch, m.position}, &kept);
        }
        for (const auto& [place, kept] : ordered) {
            for (const auto n : place) w.number(n);
            w.number(std::uint64_t{static_cast<std::uint8_t>(kept->outcome)});
            w.key(kept->key);
            w.number(kept->version);
            w.flag(kept->clean);
            w.flag(kept->carries_row);
            w.id(kept->after);
            w.content(kept->content_hash);
            if (kept->why) w.number(static_cast<std::int64_t>(kept->why->code));
        }
        std::array<std::size_t, most_devices> old_name{};
        for (std::size_t d = 0; d < bundles.size(); ++d) old_name[w.as().device[d]] = d;
        for (std::size_t d = 0; d < bundles.size(); ++d)
            for (const auto& kept : bundles[old_name[d]]) {
                w.number(std::uint64_t{d});
                w.number(kept.source_bundle_id);
                w.number(kept.seq);
                w.bundle_content(kept.content_hash, in_->schemas[0].fields.size());
            }
    }

    struct hash_of_key {
        std::size_t operator()(const std::array<std::uint64_t, 4>& key) const noexcept {
            std::uint64_t h = 0;
            for (const auto part : key) h = spread(h ^ (part + 0x9e3779b97f4a7c15ULL));
            return static_cast<std::size_t>(h);
        }
    };

    surroundings* in_;
    traffic* traffic_;
    authority_options options_;
    pool<server_part> parts_;
    std::unordered_map<std::uint64_t, answered> pushed_;
    std::unordered_map<std::array<std::uint64_t, 4>, part_number, hash_of_key> pulled_;
    std::unordered_map<part_number, bool> looked_at_;
};

}  // namespace testing::small_model

SYNCLINE_NAMESPACE_END

#endif
