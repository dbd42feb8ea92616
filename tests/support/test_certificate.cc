#include "tests/support/test_certificate.h"

#include <filesystem>
#include <fstream>
#include <memory>

#include "gtest/gtest.h"
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

namespace tallyd {
namespace {

constexpr long kDaySeconds = 86'400;

std::string TextOf(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  std::string text(data, static_cast<std::size_t>(size));
  BIO_free(bio);
  return text;
}

void AddExtension(X509* certificate, int kind, const char* value) {
  X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, nullptr, kind, value);
  ASSERT_NE(extension, nullptr);
  EXPECT_EQ(X509_add_ext(certificate, extension, -1), 1);
  X509_EXTENSION_free(extension);
}

void WriteWhole(const std::string& path, const std::string& text, std::filesystem::perms mode) {
  const std::string fresh = path + ".new";
  std::ofstream(fresh, std::ios::binary | std::ios::trunc) << text;
  std::filesystem::permissions(fresh, mode);
  std::filesystem::rename(fresh, path);
}

}  // namespace

TestCertificate MakeTestCertificate(const TestCertificateOptions& options) {
  static long serial = 0;
  EVP_PKEY* const key = options.rsa_bits == 0
                            ? EVP_EC_gen("P-256")
                            : EVP_RSA_gen(static_cast<unsigned>(options.rsa_bits));
  X509* const certificate = X509_new();
  X509_set_version(certificate, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), ++serial);
  const long begins = options.days < 0 ? 2L * options.days * kDaySeconds : -kDaySeconds;
  X509_gmtime_adj(X509_getm_notBefore(certificate), begins);
  X509_gmtime_adj(X509_getm_notAfter(certificate), options.days * kDaySeconds);
  X509_set_pubkey(certificate, key);
  X509_NAME* const name = X509_get_subject_name(certificate);
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(options.name.c_str()), -1, -1,
                             0);
  X509_set_issuer_name(certificate, name);
  AddExtension(certificate, NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1");
  AddExtension(certificate, NID_basic_constraints, "critical,CA:TRUE");
  EXPECT_NE(X509_sign(certificate, key, EVP_sha256()), 0);

  TestCertificate made;
  BIO* bio = BIO_new(BIO_s_mem());
  PEM_write_bio_X509(bio, certificate);
  made.certificate = TextOf(bio);
  bio = BIO_new(BIO_s_mem());
  PEM_write_bio_PKCS8PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr);
  made.key = TextOf(bio);
  X509_free(certificate);
  EVP_PKEY_free(key);
  return made;
}

void WriteTestCertificate(const TestCertificate& made, const std::string& certificate_path,
                          const std::string& key_path) {
  using std::filesystem::perms;
  constexpr perms kOwner = perms::owner_read | perms::owner_write;
  WriteWhole(certificate_path, made.certificate, kOwner | perms::group_read | perms::others_read);
  WriteWhole(key_path, made.key, kOwner);
}

}  // namespace tallyd
