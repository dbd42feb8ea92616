#include "tests/net/smuggling_corpus.h"

#include <string_view>

namespace tallyd {
namespace {

using namespace std::string_literals;

const std::string kGet = "GET /hello HTTP/1.1\r\nHost: t\r\n\r\n";
const std::string kPost = "POST /echo HTTP/1.1\r\nHost: t\r\n";
const std::string kChunk = "3\r\nabc\r\n0\r\n\r\n";

// A POST with these header lines and this after the empty line.
std::string Post(const std::string& lines, const std::string& body = "abc") {
  return kPost + lines + "\r\n" + body;
}
// A GET of /hello with these header lines besides Host.
std::string Get(const std::string& lines) {
  return "GET /hello HTTP/1.1\r\nHost: t\r\n" + lines + "\r\n";
}
std::string Line(const std::string& request_line) {
  return request_line + "\r\nHost: t\r\n\r\n";
}
std::string HostLines(const std::string& lines, const std::string& version = "1.1") {
  return "GET /hello HTTP/" + version + "\r\n" + lines + "\r\n";
}

RawCase Refused(std::string name, std::string bytes, int status) {
  return {std::move(name), std::move(bytes), {status}, true, 0};
}
RawCase Served(std::string name, std::string bytes) {
  return {std::move(name), std::move(bytes), {200}, false, 1};
}

void AddTransferEncoding(std::vector<RawCase>& all) {
  const auto add = [&](std::string name, std::string bytes) {
    all.push_back(Refused("transfer-encoding: " + std::move(name), std::move(bytes), 411));
  };
  add("chunked", Post("Transfer-Encoding: chunked\r\n", kChunk));
  add("gzip before length", Post("Transfer-Encoding: gzip\r\nContent-Length: 3\r\n"));
  add("gzip after length", Post("Content-Length: 3\r\nTransfer-Encoding: gzip\r\n"));
  add("gzip, next request behind", Post("Transfer-Encoding: gzip\r\n", kGet));
  add("xchunked with length", Post("Transfer-Encoding: xchunked\r\nContent-Length: 3\r\n"));
  add("chunked, gzip", Post("Transfer-Encoding: chunked, gzip\r\nContent-Length: 3\r\n"));
  add("two lines", Post("Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n", kChunk));
  add("TE.CL", Post("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n", kChunk));
  add("CL.TE", Post("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", kChunk));
  add("HTTP/1.0", "POST /echo HTTP/1.0\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n" + kChunk);
  add("GET", Get("Transfer-Encoding: chunked\r\n") + kChunk);
  add("identity", Post("Transfer-Encoding: identity\r\nContent-Length: 3\r\n"));
  add("empty", Post("Transfer-Encoding:\r\nContent-Length: 3\r\n"));
  add("blank before colon", Post("Transfer-Encoding : chunked\r\nContent-Length: 3\r\n"));
  add("tab before colon", Post("Transfer-Encoding\t: chunked\r\nContent-Length: 3\r\n"));
  add("VT before colon", Post("Transfer-Encoding\x0b: chunked\r\nContent-Length: 3\r\n"));
  add("blank before name", Post(" Transfer-Encoding: chunked\r\nContent-Length: 3\r\n"));
  add("lower case", Post("transfer-encoding: chunked\r\n", kChunk));
  add("upper case", Post("TRANSFER-ENCODING: CHUNKED\r\n", kChunk));
  add("VT in value", Post("Transfer-Encoding: \x0b"s + "chunked\r\nContent-Length: 3\r\n"));
  add("quoted", Post("Transfer-Encoding: \"chunked\"\r\nContent-Length: 3\r\n"));
  add("folded", Post("Transfer-Encoding:\r\n chunked\r\nContent-Length: 3\r\n"));
  add("folded into another", Post("X: y\r\n Transfer-Encoding: chunked\r\nContent-Length: 3\r\n"));
  add("behind a bare LF", Post("X: y\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n"));
  add("unknown route",
      "POST /no HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n" + kChunk);
  add("unknown method", "FROB / HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n");
  add("unknown version", "POST / HTTP/2.0\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n");
  add("two hosts", HostLines("Host: t\r\nHost: t\r\nTransfer-Encoding: chunked\r\n"));
  add("preflight", "OPTIONS /echo HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n");
  add("trailer",
      Post("Transfer-Encoding: chunked\r\n", "3\r\nabc\r\n0\r\nAuthorization: evil\r\n\r\n"));
  add("stream route", "POST /stream HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n");
}

void AddContentLength(std::vector<RawCase>& all) {
  const auto bad = [&](const std::string& lines) {
    all.push_back(Refused("content-length: " + lines, Post(lines + "\r\n"), 400));
  };
  bad("Content-Length: 3\r\nContent-Length: 3");
  bad("Content-Length: 3\r\nContent-Length: 4");
  bad("Content-Length: 3, 3");
  bad("Content-Length: +3");
  bad("Content-Length: -3");
  bad("Content-Length: 0x3");
  bad("Content-Length: 3.0");
  bad("Content-Length: 3;");
  bad("Content-Length: 3 3");
  bad("Content-Length: \"3\"");
  bad("Content-Length:");
  bad("Content-Length: \xd9\xa3");
  bad("Content-Length: 18446744073709551619");
  bad("Content-Length: 1099511627777");
  bad("Content-Length : 3");
  bad("Content-Length: 3\r\n Content-Length: 4");
  bad("Content-Length:\r\n 3");
  all.push_back(Refused("no length: POST", Post(""), 411));
  all.push_back(Refused("no length: PUT", "PUT /echo HTTP/1.1\r\nHost: t\r\n\r\nabc", 411));
  all.push_back(Refused("no length: PATCH", "PATCH /echo HTTP/1.1\r\nHost: t\r\n\r\n", 411));
  all.push_back(Refused("no length: underscore", Post("Content_Length: 3\r\n"), 411));
  all.push_back(Refused("body: GET", Get("Content-Length: 3\r\n") + "abc", 400));
  for (const std::string method : {"HEAD", "DELETE", "OPTIONS"}) {
    all.push_back(Refused("body: " + method,
                          method + " /hello HTTP/1.1\r\nHost: t\r\nContent-Length: " +
                              std::to_string(kGet.size()) + "\r\n\r\n" + kGet,
                          400));
  }
  all.push_back(Served("length 0 on GET", Get("Content-Length: 0\r\n")));
  all.push_back(Served("length with blanks around", Post("Content-Length: \t 3 \t\r\n")));
  all.push_back(Served("length with leading zeros", Post("Content-Length: 003\r\n")));
  all.push_back(Served("a request as body",
                       Post("Content-Length: " + std::to_string(kGet.size()) + "\r\n", kGet)));
  all.push_back({"CL.0", Post("Content-Length: 0\r\n", kGet), {200, 200}, false, 2});
  all.push_back(
      Refused("length above the route's cap, large", Post("Content-Length: 16385\r\n"), 413));
  all.push_back({"length above the route's cap, small",
                 "PUT /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 9\r\n\r\n123456789" + kGet,
                 {413, 200},
                 false,
                 1});
}

void AddHost(std::vector<RawCase>& all) {
  const auto bad = [&](const std::string& lines) {
    all.push_back(Refused("host: " + lines, HostLines(lines + "\r\n"), 400));
  };
  all.push_back(Refused("host: none", HostLines(""), 400));
  all.push_back(Refused("host: none in 1.0", HostLines("", "1.0"), 400));
  all.push_back(Refused("host: two in 1.0", HostLines("Host: t\r\nHost: t\r\n", "1.0"), 400));
  bad("Host: t\r\nHost: t");
  bad("Host: t\r\nhost: u");
  bad("Host:");
  bad("Host: a b");
  bad("Host: a/b");
  bad("Host: a@b");
  bad("Host: a,b");
  bad("Host: a?b");
  bad("Host: :80");
  bad("Host: t:");
  bad("Host: t:80x");
  bad("Host: t:123456");
  bad("Host: t:80:80");
  bad("Host: [::1");
  bad("Host: [::1]x");
  bad("Host: [g::1]");
  bad("Host : t");
  bad("Host: t\xc3\xa9");
  all.push_back(Served("host: IPv6", HostLines("Host: [::1]:8080\r\n")));
  all.push_back(Served("host: port", HostLines("hOsT: a-b.example:65535\r\n")));
}

void AddRequestLine(std::vector<RawCase>& all) {
  const auto bad = [&](const std::string& line, int status) {
    all.push_back(Refused("line: " + line, Line(line), status));
  };
  bad("GET /hello HTTP/2.0", 505);
  bad("GET /hello HTTP/1.2", 505);
  bad("GET /hello HTTP/0.9", 505);
  bad("PRI * HTTP/2.0", 505);
  bad("GET /hello", 400);
  bad("GET /hello http/1.1", 400);
  bad("GET /hello HTTP/1.10", 400);
  bad("GET /hello HTTP/1.1 ", 400);
  bad("GET /hello HTTP/1.1\t", 400);
  bad("GET /hello HTTP/11", 400);
  bad("GET  /hello HTTP/1.1", 400);
  bad("GET /hello  HTTP/1.1", 400);
  bad("GET\t/hello HTTP/1.1", 400);
  bad(" GET /hello HTTP/1.1", 400);
  bad("GET /hel lo HTTP/1.1", 400);
  bad("GET HTTP/1.1", 400);
  bad("FROB /hello HTTP/1.1", 501);
  bad("get /hello HTTP/1.1", 501);
  bad("TRACE /hello HTTP/1.1", 501);
  bad("CONNECT t:443 HTTP/1.1", 501);
  bad("G\xc3\xa9T /hello HTTP/1.1", 400);
  bad("GET http://t/hello HTTP/1.1", 400);
  bad("GET hello HTTP/1.1", 400);
  bad("OPTIONS * HTTP/1.1", 400);
  bad("GET /hello#x HTTP/1.1", 400);
  bad("GET /h\xc3\xa9llo HTTP/1.1", 400);
  bad("GET /%zz HTTP/1.1", 400);
  bad("GET /%2 HTTP/1.1", 400);
  bad("GET /% HTTP/1.1", 400);
  bad("GET /hello%00 HTTP/1.1", 400);
  bad("GET /hello%0d%0aX:y HTTP/1.1", 400);
  bad("GET /hello?a=%00 HTTP/1.1", 400);
  bad("GET /..\\hello HTTP/1.1", 400);
  bad("GET /hel\x01lo HTTP/1.1", 400);
  bad("GET /hel\x7flo HTTP/1.1", 400);
  bad("GET /hello?a=\"b\" HTTP/1.1", 400);
  all.push_back(Refused("line: bare LF", "GET /hello HTTP/1.1\nHost: t\r\n\r\n", 400));
  all.push_back(Refused("line: CR CR LF", "GET /hello HTTP/1.1\r\r\nHost: t\r\n\r\n", 400));
  all.push_back(Refused("line: NUL", "GET /hel\0lo HTTP/1.1\r\nHost: t\r\n\r\n"s, 400));
  all.push_back(Refused("line: LF first", "\n" + kGet, 400));
  all.push_back(Refused("line: two empty lines first", "\r\n\r\n" + kGet, 400));
  all.push_back(Refused("line: TLS hello", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc"s, 400));
  all.push_back(Served("line: one empty line first", "\r\n" + kGet));
  for (const std::string path : {"/%2e%2e/hello", "/../hello", "/./hello", "/x/%2E./hello",
                                 "//hello", "/hello/", "/hello%2f", "/HELLO", "/hello/x"}) {
    all.push_back({"path: " + path, Line("GET " + path + " HTTP/1.1"), {404}, false, 0});
  }
  all.push_back(Served("path: escaped literal", Line("GET /h%65llo HTTP/1.1")));
  all.push_back({"query: repeated name", Line("GET /hello?a=1&%61=2 HTTP/1.1"), {400}, false, 0});
}

void AddFields(std::vector<RawCase>& all) {
  const auto bad = [&](const std::string& line) {
    all.push_back(Refused("field: " + line, Get(line + "\r\n"), 400));
  };
  bad("X: y\r\n z");
  bad("X: y\r\n\tz");
  bad("X:\r\n y");
  bad("X: \r\n \r\n y");
  bad("X: a\0b"s);
  bad("X: a\x0b"s + "b");
  bad("X: a\x7f"s + "b");
  bad("X: a\rb");
  bad("X: a\nY: b");
  bad("X: a\r\r");
  bad("no colon");
  bad(": no name");
  bad("X : y");
  bad("X Y: z");
  bad("X\xc3\xa9: y");
  bad("(X): y");
  bad("\tX: y");
  bad("Connection: close\x0b");
  for (const std::string name : {"Authorization", "Content-Type", "Idempotency-Key", "If-Match",
                                 "If-None-Match", "Origin", "Content-Encoding", "Last-Event-ID",
                                 "Tallyd-Voter", "Tallyd-Actor", "Access-Control-Request-Method"}) {
    bad(name + ": a\r\n" + name + ": a");
  }
  all.push_back(Refused("field: other expectation", Get("Expect: 200-ok\r\n"), 417));
  all.push_back(Refused("field: two expectations", Get("Expect: 100-continue, x\r\n"), 417));
  all.push_back(Served("field: Latin-1 value", Get("X: caf\xe9\r\n")));
  all.push_back(Served("field: empty value", Get("X:\r\n")));
  all.push_back(Served("field: two preferences", Get("Accept: a/b\r\nAccept: c/d\r\n")));
  all.push_back(
      Served("field: h2c upgrade", Get("Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
                                       "HTTP2-Settings: AAMAAABkAAQAAP__\r\n")));
  all.push_back(
      Served("field: WebSocket upgrade", Get("Connection: Upgrade\r\nUpgrade: websocket\r\n")));
}

void AddPipelines(std::vector<RawCase>& all) {
  const std::string bad = Get("X : y\r\n");
  all.push_back(
      {"pipeline: good good", kGet + Post("Content-Length: 3\r\n"), {200, 200}, false, 2});
  all.push_back({"pipeline: good bad", kGet + bad, {200, 400}, true, 1});
  all.push_back({"pipeline: good bad good", kGet + bad + kGet, {200, 400}, true, 1, 3});
  all.push_back({"pipeline: bad good", bad + kGet, {400}, true, 0, 2});
  all.push_back({"pipeline: good, chunked, good",
                 kGet + Post("Transfer-Encoding: chunked\r\n", kChunk) + kGet,
                 {200, 411},
                 true,
                 1,
                 3});
  all.push_back(
      {"pipeline: close then good", Get("Connection: close\r\n") + kGet, {200}, true, 1, 2});
  all.push_back({"pipeline: close among tokens",
                 Get("Connection: keep-alive, Close\r\n") + kGet,
                 {200},
                 true,
                 1,
                 2});
  all.push_back(
      {"pipeline: HTTP/1.0 then good", HostLines("Host: t\r\n", "1.0") + kGet, {200}, true, 1, 2});
  all.push_back(
      {"pipeline: not found, good", Line("GET /no HTTP/1.1") + kGet, {404, 200}, false, 1});
  all.push_back({"pipeline: body too short for what follows",
                 Post("Content-Length: 2\r\n", "abc" + kGet),
                 {200, 501},
                 true,
                 1});
}

}  // namespace

std::vector<RawCase> SmugglingCorpus() {
  std::vector<RawCase> all;
  AddTransferEncoding(all);
  AddContentLength(all);
  AddHost(all);
  AddRequestLine(all);
  AddFields(all);
  AddPipelines(all);
  return all;
}

}  // namespace tallyd
