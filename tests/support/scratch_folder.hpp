#ifndef SYNCLINE_TESTS_SUPPORT_SCRATCH_FOLDER_HPP
#define SYNCLINE_TESTS_SUPPORT_SCRATCH_FOLDER_HPP

#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>

/// A folder of its own for one test, gone afterwards with all that is in it. In memory where there is some: what a power cut does to a disk is not
/// the question of a test.
class scratch_folder {
public:
    scratch_folder() {
        std::error_code none;
        const char* const chosen = std::getenv("TMPDIR");
        std::string form{chosen != nullptr ? chosen : std::filesystem::is_directory("/dev/shm", none) ? "/dev/shm" : "/tmp"};
        form.append("/syncline-test-XXXXXX");
        if (::mkdtemp(form.data()) == nullptr) throw std::runtime_error("cannot make a folder for a test");
        path_ = form;
    }
    ~scratch_folder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    scratch_folder(const scratch_folder&) = delete;
    scratch_folder& operator=(const scratch_folder&) = delete;

    [[nodiscard]] std::string file(std::string_view name = "app.db") const { return (path_ / name).string(); }

private:
    std::filesystem::path path_;
};

#endif
