#pragma once

// Certificates for localhost and 127.0.0.1 that vouch for themselves, made when they are asked for.

#include <string>

namespace tallyd {

struct TestCertificateOptions {
  std::string name = "localhost";  // its common name; to tell one from another
  int rsa_bits = 0;                // 0: P-256
  int days = 30;                   // negative: it has ended so many days ago
};

struct TestCertificate {
  std::string certificate;  // PEM
  std::string key;          // PEM
};

TestCertificate MakeTestCertificate(const TestCertificateOptions& options = {});

// Certificate 0644, key 0600, each as a whole.
void WriteTestCertificate(const TestCertificate& made, const std::string& certificate_path,
                          const std::string& key_path);

}  // namespace tallyd
