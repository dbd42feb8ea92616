#include "tools/tallyctl/control.h"

#include <iostream>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "net/credential_file.h"

namespace tallyd {

ExitCode Fail(const std::string& what, ExitCode code) {
  std::cerr << "tallyctl: " << what << "\n";
  return code;
}

ExitCode Fail(const absl::Status& status, ExitCode code) {
  return Fail(std::string(status.message()), code);
}

absl::StatusOr<boost::json::value> ParseJson(std::string_view text) {
  boost::system::error_code error;
  boost::json::value value = boost::json::parse({text.data(), text.size()}, error);
  if (error) return absl::InvalidArgumentError("not JSON: " + error.message());
  return value;
}

std::string TextOf(const boost::json::value& object, const char* name) {
  const boost::json::object* members = object.if_object();
  const boost::json::value* value = members == nullptr ? nullptr : members->if_contains(name);
  if (value == nullptr) return "";
  return value->is_string() ? std::string(value->as_string()) : boost::json::serialize(*value);
}

std::string DescribeProblem(const ClientAnswer& answer) {
  std::string text = std::to_string(answer.status);
  const auto problem = ParseJson(answer.body);
  if (!problem.ok() || !problem->is_object()) return text;
  const auto member = [&](const char* name) -> std::string {
    const boost::json::value* value = problem->as_object().if_contains(name);
    return value != nullptr && value->is_string() ? std::string(value->as_string()) : "";
  };
  if (!member("code").empty()) text += " " + member("code");
  if (!member("detail").empty()) text += ": " + member("detail");
  return text;
}

absl::Status ReadToken(const std::string& path, ControlOptions& options) {
  const auto text = ReadCredentialFile(path, true);
  if (!text.ok()) return text.status();
  options.token = text->substr(0, text->find_first_of("\r\n"));
  if (options.token.empty()) return absl::InvalidArgumentError(path + ": holds no token");
  return absl::OkStatus();
}

absl::StatusOr<ServerAddress> ServerAt(const std::string& url, const ControlOptions& options) {
  auto address = ParseServerUrl(url);
  if (address.ok()) address->ca_file = options.ca_file;
  return address;
}

void AddIdentity(const std::string& actor, const std::string& token, ClientRequest& request) {
  if (!actor.empty()) request.headers.emplace_back("Tallyd-Actor", actor);
  if (!token.empty()) request.headers.emplace_back("Authorization", "Bearer " + token);
}

ClientRequest MakeRequest(const ControlOptions& options, std::string method, std::string target,
                          std::string body) {
  ClientRequest request;
  request.method = std::move(method);
  request.target = std::move(target);
  request.body = std::move(body);
  if (!request.body.empty()) request.headers.emplace_back("Content-Type", "application/json");
  AddIdentity(options.actor, options.token, request);
  return request;
}

absl::StatusOr<ClientAnswer> Call(const ControlOptions& options, const ClientRequest& request) {
  const auto address = ServerAt(options.server, options);
  if (!address.ok()) return address.status();
  // Long enough for a recount of many million votes.
  return ClientConnection(*address, {.timeout = std::chrono::minutes(30)}).Send(request);
}

std::string EncodeSegment(std::string_view text) {
  std::string encoded;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '_' || c == '.';
    if (plain) {
      encoded += c;
    } else {
      constexpr char kHex[] = "0123456789ABCDEF";
      const auto code = static_cast<unsigned char>(c);
      encoded += '%';
      encoded += kHex[code >> 4];
      encoded += kHex[code & 15];
    }
  }
  return encoded;
}

}  // namespace tallyd
