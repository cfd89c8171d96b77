#ifndef SYNCLINE_TESTS_FAULTS_SQLITE_CALLS_HPP
#define SYNCLINE_TESTS_FAULTS_SQLITE_CALLS_HPP

// Makes every call of SQLite that can fail a point of the plan. The library is headers only, so all of its calls are compiled here: the names are
// replaced before its headers are read, in every source of the program alike. (The linker's --wrap would need a flag in two build systems, and would
// not reach a library that was linked statically into another.) To be included first.

#ifdef SYNCLINE_ADAPTERS_SQLITE_DATABASE_HPP
#error "include faults/sqlite/calls.hpp before the headers whose calls are to fail"
#endif

#include <sqlite3.h>

#include "faults/sqlite/plan.hpp"

namespace faults {

/// The error of the call that failed last by the plan, until the next call that is carried out.
inline int& last_error() {
    static int code = SQLITE_OK;
    return code;
}

/// Answers @p f's call by the plan, or carries it out.
template <class F>
int answer(call what, F f) {
    last_error() = plan::current().at_call(what);
    return last_error() != SQLITE_OK ? last_error() : f();
}

inline int step(sqlite3_stmt* s) {
    return answer(call::run, [&] { return sqlite3_step(s); });
}
inline int exec(sqlite3* db, const char* sql, int (*row)(void*, int, char**, char**), void* context, char** error) {
    return answer(call::run, [&] { return sqlite3_exec(db, sql, row, context, error); });
}
inline int prepare_v3(sqlite3* db, const char* sql, int bytes, unsigned flags, sqlite3_stmt** out, const char** tail) {
    return answer(call::prepare, [&] { return sqlite3_prepare_v3(db, sql, bytes, flags, out, tail); });
}
inline int open_v2(const char* path, sqlite3** db, int flags, const char* vfs) {
    return answer(call::open, [&] { return sqlite3_open_v2(path, db, flags, vfs); });
}
inline int bind_null(sqlite3_stmt* s, int at) {
    return answer(call::bind, [&] { return sqlite3_bind_null(s, at); });
}
inline int bind_int64(sqlite3_stmt* s, int at, sqlite3_int64 n) {
    return answer(call::bind, [&] { return sqlite3_bind_int64(s, at, n); });
}
inline int bind_double(sqlite3_stmt* s, int at, double d) {
    return answer(call::bind, [&] { return sqlite3_bind_double(s, at, d); });
}
inline int bind_text64(sqlite3_stmt* s, int at, const char* text, sqlite3_uint64 bytes, void (*drop)(void*), unsigned char encoding) {
    return answer(call::bind, [&] { return sqlite3_bind_text64(s, at, text, bytes, drop, encoding); });
}
inline int bind_blob64(sqlite3_stmt* s, int at, const void* octets, sqlite3_uint64 bytes, void (*drop)(void*)) {
    return answer(call::bind, [&] { return sqlite3_bind_blob64(s, at, octets, bytes, drop); });
}
/// Reading a text or a blob may need memory, and gives nothing where there is none; a null never does.
inline const unsigned char* column_text(sqlite3_stmt* s, int at) {
    last_error() = SQLITE_OK;
    if (sqlite3_column_type(s, at) == SQLITE_NULL) return nullptr;
    const unsigned char* out = nullptr;
    (void)answer(call::read, [&] {
        out = sqlite3_column_text(s, at);
        return SQLITE_OK;
    });
    return out;
}
inline const void* column_blob(sqlite3_stmt* s, int at) {
    last_error() = SQLITE_OK;
    if (sqlite3_column_type(s, at) == SQLITE_NULL) return nullptr;
    const void* out = nullptr;
    (void)answer(call::read, [&] {
        out = sqlite3_column_blob(s, at);
        return SQLITE_OK;
    });
    return out;
}
inline int table_column_metadata(sqlite3* db, const char* schema, const char* table, const char* column, const char** type, const char** collation,
                                 int* not_null, int* in_key, int* numbers_itself) {
    return answer(call::describe, [&] {
        return sqlite3_table_column_metadata(db, schema, table, column, type, collation, not_null, in_key, numbers_itself);
    });
}
inline int extended_errcode(sqlite3* db) { return last_error() != SQLITE_OK ? last_error() : sqlite3_extended_errcode(db); }
inline int errcode(sqlite3* db) { return last_error() != SQLITE_OK ? last_error() & 0xff : sqlite3_errcode(db); }

}  // namespace faults

#define sqlite3_step ::faults::step
#define sqlite3_exec ::faults::exec
#define sqlite3_prepare_v3 ::faults::prepare_v3
#define sqlite3_open_v2 ::faults::open_v2
#define sqlite3_bind_null ::faults::bind_null
#define sqlite3_bind_int64 ::faults::bind_int64
#define sqlite3_bind_double ::faults::bind_double
#define sqlite3_bind_text64 ::faults::bind_text64
#define sqlite3_bind_blob64 ::faults::bind_blob64
#define sqlite3_column_text ::faults::column_text
#define sqlite3_column_blob ::faults::column_blob
#define sqlite3_table_column_metadata ::faults::table_column_metadata
#define sqlite3_extended_errcode ::faults::extended_errcode
#define sqlite3_errcode ::faults::errcode

#endif
