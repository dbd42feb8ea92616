#include "tests/crash/oracle_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <sstream>
#include <utility>

#include "tests/support/tallyd_process.h"

namespace tallyd {
namespace {

constexpr const char* kNoKey = "-";

[[noreturn]] void Stop(const std::string& path) {
  std::perror(path.c_str());
  std::abort();
}

}  // namespace

OracleFile::OracleFile(const std::string& path)
    : path_(path), file_(open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)) {
  if (file_ < 0) Stop(path_);
  // The name must be durable too.
  const std::string directory = std::filesystem::path(path).parent_path();
  const int folder = open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0 || fsync(folder) != 0) Stop(directory);
  close(folder);
}

OracleFile::~OracleFile() {
  Sync();
  close(file_);
}

void OracleFile::Intend(const std::string& poll, const std::string& voter,
                        const std::string& option, const std::string& key) {
  unwritten_ +=
      "? " + poll + " " + voter + " " + option + " " + (key.empty() ? kNoKey : key) + "\n";
  Sync();
}

void OracleFile::Acknowledged(const AcknowledgedBallot& ballot, std::int64_t replaces) {
  unwritten_ += "+ " + ballot.poll + " " + ballot.voter + " " + ballot.option + " " +
                (ballot.key.empty() ? kNoKey : ballot.key) + " " + std::to_string(ballot.seq) +
                " " + ballot.receipt + " " + std::to_string(replaces) + "\n";
}

void OracleFile::Settled() {
  unwritten_ += "-\n";
}

void OracleFile::Sync() {
  std::size_t written = 0;
  while (written < unwritten_.size()) {
    const ssize_t more = write(file_, unwritten_.data() + written, unwritten_.size() - written);
    if (more < 0) Stop(path_);
    written += static_cast<std::size_t>(more);
  }
  if (written > 0 && fdatasync(file_) != 0) Stop(path_);
  unwritten_.clear();
}

std::vector<AcknowledgedBallot> ReadOracles(const std::string& directory) {
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  std::vector<AcknowledgedBallot> ballots;
  std::map<std::pair<std::string, std::int64_t>, std::size_t> places;  // by poll and seq
  for (const std::string& file : files) {
    std::string text = FileText(file);
    text.resize(text.rfind('\n') == std::string::npos ? 0 : text.rfind('\n') + 1);
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
      if (line[0] != '+') continue;
      std::istringstream words(line.substr(2));
      AcknowledgedBallot ballot;
      std::int64_t replaces = 0;
      words >> ballot.poll >> ballot.voter >> ballot.option >> ballot.key >> ballot.seq >>
          ballot.receipt >> replaces;
      if (ballot.key == kNoKey) ballot.key.clear();
      const auto replaced = places.find({ballot.poll, replaces});
      if (replaced != places.end()) ballots[replaced->second].in_force = false;
      places[{ballot.poll, ballot.seq}] = ballots.size();
      ballots.push_back(ballot);
    }
  }
  return ballots;
}

}  // namespace tallyd
