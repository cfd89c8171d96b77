// Some programs define macros with everyday names before they include us (<windows.h> is the best known). The standard
// library and third parties come first: what those make of such macros is not ours to mend.
#include <algorithm>
#include <any>
#include <array>
#include <atomic>
#include <bit>
#include <bitset>
#include <cctype>
#include <cerrno>
#include <cfloat>
#include <charconv>
#include <chrono>
#include <cinttypes>
#include <climits>
#include <clocale>
#include <cmath>
#include <compare>
#include <concepts>
#include <condition_variable>
#include <cstdarg>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <deque>
#include <exception>
#include <filesystem>
#include <forward_list>
#include <fstream>
#include <functional>
#include <future>
#include <initializer_list>
#include <iomanip>
#include <ios>
#include <iosfwd>
#include <iostream>
#include <istream>
#include <iterator>
#include <limits>
#include <list>
#include <locale>
#include <map>
#include <memory>
#include <mutex>
#include <new>
#include <numbers>
#include <numeric>
#include <optional>
#include <ostream>
#include <queue>
#include <random>
#include <ratio>
#include <regex>
#include <set>
#include <shared_mutex>
#include <span>
#include <sstream>
#include <stack>
#include <stdexcept>
#include <streambuf>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <tuple>
#include <type_traits>
#include <typeindex>
#include <typeinfo>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <valarray>
#include <variant>
#include <vector>
#include <version>

#include <date/date.h>
#include <nlohmann/json.hpp>

#ifdef SYNCLINE_TEST_SQLITE
#include <sqlite3.h>
#endif
#ifdef SYNCLINE_TEST_HTTPLIB
#include <httplib.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <zlib.h>
#endif

// From the headers of Windows, Qt and old Unix: macros that break a call, and words that vanish.
#define min(a, b) (((a) < (b)) ? (a) : (b))
#define max(a, b) (((a) > (b)) ? (a) : (b))
#define ERROR 0
#undef DELETE
#define DELETE 0x00010000L
#define IN
#define OUT
#define OPTIONAL
#define near
#define far
#define small char
#define interface struct
#define CONST const
#define VOID void
#define NO_ERROR 0L
#define TRUE 1
#define FALSE 0
#define GetObject GetObjectW
#define SendMessage SendMessageW
#define CreateFile CreateFileW
#define major(device) broken_by_sys_types(device)
#define minor(device) broken_by_sys_types(device)
#define unix 1
#define linux 1
#define foreach for
#define slots
#define signals public
#define emit
#define STRICT 1
#define IGNORE 0
#define ABSOLUTE 1
#define TRANSPARENT 1
#define OPAQUE 2
#define DIFFERENCE 11
#define PASCAL __stdcall

#include "all_headers.hpp"

int used_after_hostile_macros();

int used_after_hostile_macros() { return static_cast<int>(syncline::name_of(syncline::errc::bug).size()); }
