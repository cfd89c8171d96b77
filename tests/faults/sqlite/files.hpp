#ifndef SYNCLINE_TESTS_FAULTS_SQLITE_FILES_HPP
#define SYNCLINE_TESTS_FAULTS_SQLITE_FILES_HPP

// A file system for SQLite that hands everything on to the default one, and at each call asks the plan first. Releasing a lock and closing a file
// cannot fail, as in a system whose processes can die.

#include <sqlite3.h>

#include "faults/sqlite/chance.hpp"
#include "faults/sqlite/plan.hpp"

#include <cstdint>

namespace faults {

/// The file system. `install` makes it the default of this process.
class files {
public:
    static void install() {
        static files only;
        (void)only;
    }

private:
    struct file {
        sqlite3_file base;
        bool may_tear;  ///< a journal or write-ahead log: SQLite tells half a write by its checksum or header
        [[nodiscard]] sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
    };
    static file& of(sqlite3_file* f) { return *reinterpret_cast<file*>(f); }
    static sqlite3_file* real(sqlite3_file* f) { return of(f).real(); }
    static const sqlite3_io_methods& how(sqlite3_file* f) { return *real(f)->pMethods; }
    static sqlite3_vfs& system(sqlite3_vfs* v) { return *static_cast<sqlite3_vfs*>(v->pAppData); }
    static plan& now() { return plan::current(); }

    files() {
        system_ = sqlite3_vfs_find(nullptr);
        vfs_ = *system_;
        vfs_.iVersion = 2;
        vfs_.szOsFile = static_cast<int>(sizeof(file)) + system_->szOsFile;
        vfs_.zName = "faults";
        vfs_.pAppData = system_;
        vfs_.pNext = nullptr;
        vfs_.xOpen = open;
        vfs_.xDelete = remove;
        vfs_.xAccess = access;
        vfs_.xFullPathname = [](sqlite3_vfs* v, const char* name, int n, char* out) { return system(v).xFullPathname(&system(v), name, n, out); };
        vfs_.xDlOpen = [](sqlite3_vfs* v, const char* name) { return system(v).xDlOpen(&system(v), name); };
        vfs_.xRandomness = [](sqlite3_vfs* v, int n, char* out) { return system(v).xRandomness(&system(v), n, out); };
        // Whoever waits for a lock here waits in vain: the other one is the same thread. So waiting takes no time.
        vfs_.xSleep = [](sqlite3_vfs*, int microseconds) { return microseconds; };
        // It is always the same day: what SQL makes of the time is the same in every run.
        vfs_.xCurrentTime = [](sqlite3_vfs*, double* t) {
            *t = static_cast<double>(day) / 86'400'000.0;
            return SQLITE_OK;
        };
        vfs_.xCurrentTimeInt64 = [](sqlite3_vfs*, sqlite3_int64* t) {
            *t = day;
            return SQLITE_OK;
        };
        vfs_.xGetLastError = [](sqlite3_vfs* v, int n, char* out) { return system(v).xGetLastError(&system(v), n, out); };

        methods_ = sqlite3_io_methods{};
        methods_.iVersion = 2;  // without memory-mapped reads, which no one could count
        methods_.xClose = [](sqlite3_file* f) { return how(f).xClose(real(f)); };
        methods_.xRead = [](sqlite3_file* f, void* out, int n, sqlite3_int64 at) {
            if (const int bad = now().at_look(SQLITE_IOERR_READ)) return bad;
            return how(f).xRead(real(f), out, n, at);
        };
        methods_.xWrite = write;
        methods_.xTruncate = truncate;
        methods_.xSync = [](sqlite3_file* f, int flags) {
            if (const int bad = now().at_file(SQLITE_IOERR_FSYNC, SQLITE_IOERR_FSYNC)) return bad;
            return how(f).xSync(real(f), flags);
        };
        methods_.xFileSize = [](sqlite3_file* f, sqlite3_int64* out) {
            if (const int bad = now().at_look(SQLITE_IOERR_FSTAT)) return bad;
            return how(f).xFileSize(real(f), out);
        };
        methods_.xLock = [](sqlite3_file* f, int level) {
            if (const int bad = now().at_file(SQLITE_BUSY, SQLITE_IOERR_LOCK)) return bad;
            return how(f).xLock(real(f), level);
        };
        methods_.xUnlock = [](sqlite3_file* f, int level) { return how(f).xUnlock(real(f), level); };
        methods_.xCheckReservedLock = [](sqlite3_file* f, int* out) {
            if (const int bad = now().at_look(SQLITE_IOERR_CHECKRESERVEDLOCK)) return bad;
            return how(f).xCheckReservedLock(real(f), out);
        };
        methods_.xFileControl = [](sqlite3_file* f, int op, void* arg) { return how(f).xFileControl(real(f), op, arg); };
        methods_.xSectorSize = [](sqlite3_file* f) { return how(f).xSectorSize(real(f)); };
        methods_.xDeviceCharacteristics = [](sqlite3_file* f) { return how(f).xDeviceCharacteristics(real(f)); };
        methods_.xShmMap = [](sqlite3_file* f, int page, int size, int extend, void volatile** out) {
            if (const int bad = now().at_file(SQLITE_IOERR_SHMMAP, SQLITE_IOERR_SHMSIZE)) return bad;
            return how(f).xShmMap(real(f), page, size, extend, out);
        };
        methods_.xShmLock = [](sqlite3_file* f, int at, int n, int flags) {
            if ((flags & SQLITE_SHM_LOCK) != 0)
                if (const int bad = now().at_file(SQLITE_BUSY, SQLITE_IOERR_SHMLOCK)) return bad;
            return how(f).xShmLock(real(f), at, n, flags);
        };
        methods_.xShmBarrier = [](sqlite3_file* f) { how(f).xShmBarrier(real(f)); };
        methods_.xShmUnmap = [](sqlite3_file* f, int erase) { return how(f).xShmUnmap(real(f), erase); };
        sqlite3_vfs_register(&vfs_, 1);
        chance::install();
    }
    ~files() { sqlite3_vfs_unregister(&vfs_); }

    static int open(sqlite3_vfs* v, const char* name, sqlite3_file* f, int flags, int* given) {
        f->pMethods = nullptr;
        if (const int bad = now().at_file(SQLITE_CANTOPEN, SQLITE_IOERR)) return bad;
        auto& mine = of(f);
        mine.may_tear = (flags & (SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL)) != 0;
        if ((flags & SQLITE_OPEN_CREATE) != 0) (void)now().at_change(false);
        const int code = system(v).xOpen(&system(v), name, mine.real(), flags, given);
        if (mine.real()->pMethods != nullptr) f->pMethods = &methods_;
        return code;
    }
    static int remove(sqlite3_vfs* v, const char* name, int sync) {
        if (const int bad = now().at_file(SQLITE_IOERR_DELETE, SQLITE_IOERR_DELETE)) return bad;
        (void)now().at_change(false);
        return system(v).xDelete(&system(v), name, sync);
    }
    static int access(sqlite3_vfs* v, const char* name, int flags, int* out) {
        if (const int bad = now().at_look(SQLITE_IOERR_ACCESS)) return bad;
        return system(v).xAccess(&system(v), name, flags, out);
    }
    static int write(sqlite3_file* f, const void* data, int n, sqlite3_int64 at) {
        if (const int bad = now().at_file(SQLITE_IOERR_WRITE, SQLITE_FULL)) return bad;
        if (now().limits() && !now().at_growth(growth(f, at + n))) return SQLITE_FULL;
        if (now().at_change(of(f).may_tear)) {
            (void)how(f).xWrite(real(f), data, n / 2, at);
            plan::fall();
        }
        return how(f).xWrite(real(f), data, n, at);
    }
    static int truncate(sqlite3_file* f, sqlite3_int64 size) {
        if (const int bad = now().at_file(SQLITE_IOERR_TRUNCATE, SQLITE_IOERR_TRUNCATE)) return bad;
        if (now().limits()) {
            sqlite3_int64 before = 0;
            (void)how(f).xFileSize(real(f), &before);
            if (!now().at_growth(size - before)) return SQLITE_FULL;
        }
        (void)now().at_change(false);
        return how(f).xTruncate(real(f), size);
    }
    static std::int64_t growth(sqlite3_file* f, sqlite3_int64 end) {
        sqlite3_int64 size = 0;
        (void)how(f).xFileSize(real(f), &size);
        return end > size ? end - size : 0;
    }

    static constexpr sqlite3_int64 day = 212'600'000'000'000;  // the Julian day, in milliseconds

    sqlite3_vfs* system_ = nullptr;
    sqlite3_vfs vfs_{};
    static inline sqlite3_io_methods methods_{};
};

}  // namespace faults

#endif
