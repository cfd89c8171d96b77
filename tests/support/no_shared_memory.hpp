#ifndef SYNCLINE_TESTS_SUPPORT_NO_SHARED_MEMORY_HPP
#define SYNCLINE_TESTS_SUPPORT_NO_SHARED_MEMORY_HPP

// A way to the files of this machine that has no shared memory, as on some network file systems.

#include "support/catch.hpp"

#include <sqlite3.h>

#include <map>
#include <memory>

/// While it lives, SQLite opens files by a VFS called `no_shared_memory`, whose files have the first version of methods and so no `xShmMap`.
class no_shared_memory {
public:
    no_shared_memory() {
        real() = sqlite3_vfs_find(nullptr);
        shim_ = *real();
        shim_.zName = "no_shared_memory";
        shim_.xOpen = [](sqlite3_vfs*, sqlite3_filename name, sqlite3_file* file, int flags, int* out) {
            const int code = real()->xOpen(real(), name, file, flags, out);
            if (code != SQLITE_OK || file->pMethods == nullptr) return code;
            auto& methods = limited()[file->pMethods];
            if (!methods) {
                methods = std::make_unique<sqlite3_io_methods>(*file->pMethods);
                methods->iVersion = 1;
            }
            file->pMethods = methods.get();
            return code;
        };
        REQUIRE(sqlite3_vfs_register(&shim_, 1) == SQLITE_OK);
    }
    no_shared_memory(const no_shared_memory&) = delete;
    no_shared_memory& operator=(const no_shared_memory&) = delete;
    ~no_shared_memory() {
        sqlite3_vfs_unregister(&shim_);
        sqlite3_vfs_register(real(), 1);
    }

private:
    static sqlite3_vfs*& real() {
        static sqlite3_vfs* vfs = nullptr;
        return vfs;
    }
    static std::map<const sqlite3_io_methods*, std::unique_ptr<sqlite3_io_methods>>& limited() {
        static std::map<const sqlite3_io_methods*, std::unique_ptr<sqlite3_io_methods>> methods;
        return methods;
    }
    sqlite3_vfs shim_{};
};

#endif
