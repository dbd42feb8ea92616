#pragma once

// What one client knows of its ballots, on a disk of its own: written before a ballot is sent, and
// again when it was answered, synced before the next one leaves. Whoever reads it after anything
// has died knows of every ballot that it was acknowledged, refused, or that its outcome is unknown.
//
//   ? POLL VOTER OPTION KEY                           about to be sent
//   + POLL VOTER OPTION KEY SEQ RECEIPT REPLACES      acknowledged; REPLACES: a seq, 0 = none
//   -                                                 refused, or a repeat answered as it must be
//
// A line without its end was being written: it says nothing. KEY is "-" where there is none. One
// thread.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace tallyd {

struct AcknowledgedBallot {
  std::string poll;
  std::string voter;
  std::string option;
  std::string key;
  std::string receipt;
  std::int64_t seq = 0;
  bool in_force = true;  // false once another version of the same voter was acknowledged
  friend bool operator==(const AcknowledgedBallot&, const AcknowledgedBallot&) = default;
};

class OracleFile {
 public:
  // Stops the test program where the file cannot be written: without it nothing is known.
  explicit OracleFile(const std::string& path);
  ~OracleFile();
  OracleFile(const OracleFile&) = delete;
  OracleFile& operator=(const OracleFile&) = delete;

  // Durable, with everything before it, when this returns: now the ballot may be sent.
  void Intend(const std::string& poll, const std::string& voter, const std::string& option,
              const std::string& key);
  // Durable with the next Intend() or Sync().
  void Acknowledged(const AcknowledgedBallot& ballot, std::int64_t replaces);
  void Settled();
  void Sync();

 private:
  const std::string path_;
  const int file_;
  std::string unwritten_;
};

// Every acknowledged ballot in the oracle files of a directory, in the order of the files' names.
std::vector<AcknowledgedBallot> ReadOracles(const std::string& directory);

}  // namespace tallyd
