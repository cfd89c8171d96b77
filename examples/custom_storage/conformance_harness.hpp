#pragma once

#include "lmdb_replica_store.hpp"

#include <syncline/support/or_throw.hpp>
#include <syncline/syncline.hpp>
#include <syncline/testing/storage/samples.hpp>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>

/// A folder under that for temporary files, removed with what is in it.
class scratch_folder {
public:
    scratch_folder() {
        std::error_code none;
        std::string name = (std::filesystem::temp_directory_path(none) / "custom_storage.XXXXXX").string();
        if (none || ::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no folder can be made at " + name + "; set TMPDIR to one that can be written");
        path_ = name;
    }
    scratch_folder(const scratch_folder&) = delete;
    scratch_folder& operator=(const scratch_folder&) = delete;
    ~scratch_folder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

private:
    std::filesystem::path path_;
};

/// What the storage kit asks of whoever tests a store: the store, and what an app does beside it.
class conformance_harness {
public:
    conformance_harness() { open(); }

    on_lmdb::lmdb_replica_store& store() { return *data_->store; }
    void reopen() {
        data_->other.reset();
        data_->store.reset();
        data_->in.reset();
        open();
    }
    syncline::result<void> app_write(const syncline::record_key& key, const syncline::record& row) { return store().app_write(key, row); }
    syncline::result<void> app_erase(const syncline::record_key& key) { return store().app_erase(key); }
    std::optional<syncline::record> row(const syncline::record_key& key) { return syncline::or_throw(store().row(key)); }

    // And what it can do beside that.
    std::optional<syncline::record> read_apart(const syncline::record_key& key) { return row(key); }
    on_lmdb::lmdb_replica_store& other_store() {
        if (!data_->other) data_->other.emplace(open_store());
        return *data_->other;
    }
    void install_trigger() { *triggered_ = true; }
    void learn(const syncline::schema_set& models) {
        models_ = models;
        reopen();
    }
    /// The program ends: the next one finds what the file holds. The old environment stays until the next call, for the transaction that may be open.
    void crash() {
        auto next = std::make_unique<data>();
        std::filesystem::copy_file(data_->folder.path() / "data.mdb", next->folder.path() / "data.mdb");
        ended_ = std::exchange(data_, std::move(next));
        open();
    }

private:
    struct data {
        scratch_folder folder;
        std::shared_ptr<on_lmdb::environment> in;
        std::optional<on_lmdb::lmdb_replica_store> store, other;
    };

    void open() {
        // Without waiting for the disk: what the kit asks outlives the program, not the loss of power.
        data_->in = syncline::or_throw(on_lmdb::environment::open(data_->folder.path(), {std::size_t{256} << 20, false}));
        data_->store.emplace(open_store());
    }
    on_lmdb::lmdb_replica_store open_store() {
        using namespace syncline::testing::storage;
        on_lmdb::table_rules rules;
        rules.unique = {{task, task_slug}};
        rules.trigger = [on = triggered_](const syncline::record_key& key, syncline::record& row) {
            if (*on && key.model == task && row.fields[0] == syncline::value::text("shout")) row.fields[0] = syncline::value::text("SHOUT");
        };
        return syncline::or_throw(on_lmdb::lmdb_replica_store::open(data_->in, models_, std::move(rules)));
    }

    syncline::schema_set models_ = syncline::testing::storage::schemas();
    std::shared_ptr<bool> triggered_ = std::make_shared<bool>(false);
    std::unique_ptr<data> ended_;
    std::unique_ptr<data> data_ = std::make_unique<data>();
};
