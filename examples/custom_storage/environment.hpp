#pragma once

#include <syncline/syncline.hpp>

#include <lmdb.h>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace on_lmdb {

using syncline::errc;
using syncline::fault;
using syncline::make_fault;
using syncline::result;

/// What LMDB said, as a fault: what was tried, where, why it failed, and what to do.
[[nodiscard]] inline fault lmdb_fault(int code, std::string_view tried, const std::string& where) {
    const auto said = [&](errc as, std::string_view to_do) {
        return make_fault(as, "LMDB could not ", tried, " in `", where, "`: ", ::mdb_strerror(code), "; ", to_do);
    };
    switch (code) {
    case MDB_MAP_FULL: return said(errc::storage_full, "open the environment with a larger `map_size`");
    case ENOSPC:
    case EDQUOT: return said(errc::storage_full, "make room on the disk and try again");
    case EBUSY:
    case EAGAIN:
    case MDB_READERS_FULL: return said(errc::busy, "try again when fewer programs use it");
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND:
    case MDB_INVALID:
    case MDB_VERSION_MISMATCH: return said(errc::corrupt, "restore the folder from a backup");
    case EACCES:
    case EPERM:
    case EROFS: return said(errc::io_error, "let this program read and write that folder");
    default: return said(errc::io_error, "check the disk, and drop the transaction");
    }
}

/// The databases of an environment: the app's rows with their indexes, what of them is captured, and the bookkeeping of sync.
enum class database : std::size_t {
    rows,             ///< record -> row
    unique,           ///< model, field, hash of the value -> record
    references,       ///< hash of the referenced record, referencing record, field -> referencing record
    captured,         ///< position -> record, row before, what happened to it
    captured_at,      ///< record -> position
    models,           ///< name -> number in keys, names and kinds of the fields
    unseen,           ///< number of a model -> place of the first field that its rows tell nothing of
    scalars,          ///< "state", "batch", "lease"
    base,             ///< record -> base row
    open,             ///< record -> open intent
    ready,            ///< send class, ordinal -> record
    waiting,          ///< ordinal -> record
    frozen,           ///< record -> item of the batch
    frozen_at,        ///< position -> record
    hidden,           ///< record
    quarantined,      ///< record -> row and reason
    unread,           ///< name -> row as received
    lost,             ///< record -> last image
    staged,           ///< record -> row
    how_many
};

inline constexpr std::array<const char*, static_cast<std::size_t>(database::how_many)> database_names = {
    "rows",  "unique",  "references", "captured",  "captured_at", "models",      "unseen", "scalars", "base", "open",
    "ready", "waiting", "frozen",     "frozen_at", "hidden",      "quarantined", "unread", "lost",    "staged"};

/// An open LMDB environment, shared by the stores of one program: LMDB allows a program to open a folder only once at a time.
class environment {
public:
    struct options {
        std::size_t map_size = std::size_t{1} << 30;  ///< the most that the data may grow to, in octets; only what is used takes space
        bool synced = true;                           ///< false: what was committed outlives the program, and perhaps not the loss of power
    };

    /// Opens the data in @p folder, which is made where it is not there.
    [[nodiscard]] static result<std::shared_ptr<environment>> open(const std::filesystem::path& folder, const options& how) {
        std::shared_ptr<environment> out(new environment(folder.string()));
        std::error_code failed;
        std::filesystem::create_directories(folder, failed);
        if (failed) return make_fault(errc::io_error, "the folder `", out->where_, "` for a device's data cannot be made: ", failed.message(), "; name another one");
        const unsigned flags = MDB_NOTLS | (how.synced ? 0U : unsigned{MDB_NOSYNC});
        int code = ::mdb_env_create(&out->handle_);
        if (code == 0) code = ::mdb_env_set_maxdbs(out->handle_, static_cast<MDB_dbi>(database::how_many));
        if (code == 0) code = ::mdb_env_set_mapsize(out->handle_, how.map_size);
        if (code == 0) code = ::mdb_env_open(out->handle_, out->where_.c_str(), flags, 0600);
        int gone = 0;
        if (code == 0) code = ::mdb_reader_check(out->handle_, &gone);  // readers of programs that died keep old pages in use
        if (code == 0) code = out->open_databases();
        if (code != 0) return lmdb_fault(code, "open the data", out->where_);
        return out;
    }

    environment(const environment&) = delete;
    environment& operator=(const environment&) = delete;
    ~environment() {
        if (handle_ != nullptr) ::mdb_env_close(handle_);
    }

    [[nodiscard]] MDB_env* handle() const noexcept { return handle_; }
    [[nodiscard]] MDB_dbi operator[](database d) const noexcept { return databases_[static_cast<std::size_t>(d)]; }
    [[nodiscard]] const std::string& where() const noexcept { return where_; }

private:
    explicit environment(std::string where) : where_(std::move(where)) {}

    // Whoever is writing meanwhile is not waited for, once the databases are there.
    int open_databases() {
        const int code = open_databases(MDB_RDONLY, 0);
        return code == MDB_NOTFOUND ? open_databases(0, MDB_CREATE) : code;
    }
    int open_databases(unsigned access, unsigned how) {
        MDB_txn* txn = nullptr;
        int code = ::mdb_txn_begin(handle_, nullptr, access, &txn);
        if (code != 0) return code;
        for (std::size_t i = 0; code == 0 && i < databases_.size(); ++i) code = ::mdb_dbi_open(txn, database_names[i], how, &databases_[i]);
        if (code == 0) return ::mdb_txn_commit(txn);
        ::mdb_txn_abort(txn);
        return code;
    }

    std::string where_;
    MDB_env* handle_ = nullptr;
    std::array<MDB_dbi, static_cast<std::size_t>(database::how_many)> databases_{};
};

/// Lets one writer in at a time, whoever and in whatever program. LMDB has such a lock of its own, but it makes the second one wait, and a second
/// transaction of the same thread for ever; a store has to say `busy` at once. A lock on a file does, and goes with the program that dies.
class writer_gate {
public:
    /// The right to write, until it is destroyed.
    class pass {
    public:
        explicit pass(writer_gate& gate) noexcept : gate_(&gate) {}
        pass(pass&& other) noexcept : gate_(std::exchange(other.gate_, nullptr)) {}
        pass& operator=(pass&&) = delete;
        ~pass() {
            if (gate_ == nullptr) return;
            ::flock(gate_->file_, LOCK_UN);
            gate_->taken_ = false;
        }

    private:
        writer_gate* gate_;
    };

    [[nodiscard]] static result<std::unique_ptr<writer_gate>> open(const environment& of) {
        const std::string path = of.where() + "/writer.lock";
        const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        if (file < 0) return make_fault(errc::io_error, "the lock file `", path, "` cannot be opened: ", std::strerror(errno), "; let this program write that folder");
        return std::unique_ptr<writer_gate>(new writer_gate(file, path));
    }
    writer_gate(const writer_gate&) = delete;
    writer_gate& operator=(const writer_gate&) = delete;
    ~writer_gate() { ::close(file_); }

    /// Whether this object's own pass is out.
    [[nodiscard]] bool is_taken() const noexcept { return taken_; }

    [[nodiscard]] result<pass> take() {
        if (taken_ || ::flock(file_, LOCK_EX | LOCK_NB) != 0) {
            if (taken_ || errno == EWOULDBLOCK)
                return make_fault(errc::busy, "somebody else is writing the data at `", path_, "`; try again when that transaction is over");
            return make_fault(errc::io_error, "the lock file `", path_, "` cannot be locked: ", std::strerror(errno), "; keep the data on a disk of this machine");
        }
        taken_ = true;
        return pass{*this};
    }

private:
    writer_gate(int file, std::string path) : file_(file), path_(std::move(path)) {}

    int file_;
    bool taken_ = false;
    std::string path_;
};

}  // namespace on_lmdb
