#include "files.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

bool check_file(const std::string& path, const std::string& member, file_kind kind, complaints& wrong) {
    const std::string named = member + " is " + path + ", ";
    const auto refuse = [&](const std::string& why) {
        wrong.push_back(named + why);
        return false;
    };
    struct stat about{};
    if (::stat(path.c_str(), &about) != 0) return refuse(errno == ENOENT || errno == ENOTDIR ? "where there is no file" : "which cannot be looked at: " + std::generic_category().message(errno));
    if (S_ISDIR(about.st_mode)) return refuse("which is a folder");
    if (!S_ISREG(about.st_mode)) return refuse("which is no ordinary file");
    if (::access(path.c_str(), R_OK) != 0) return refuse("which may not be read by the user that runs this server");
    if (kind == file_kind::secret && (about.st_mode & (S_IRWXO | S_IWGRP)) != 0)
        return refuse("a secret that every user of this machine can read or its group can write; run chmod 600 on it");
    if ((about.st_mode & S_IWOTH) != 0) return refuse("which every user of this machine can write; run chmod o-w on it");
    return true;
}
