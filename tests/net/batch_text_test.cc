// How a batch's bytes become lines: the splitter and the inflater, however the bytes are cut.

#include <zlib.h>

#include <random>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "net/batch_report.h"
#include "net/gzip_inflater.h"
#include "net/line_splitter.h"

namespace tallyd {
namespace {

using Lines = std::vector<std::pair<std::uint32_t, std::string>>;

void Collect(LineSplitter& splitter, std::string_view input, Lines& lines) {
  while (const auto line = splitter.Next(input)) {
    lines.emplace_back(line->number, line->too_long ? "<too long>" : std::string(line->text));
  }
  EXPECT_TRUE(input.empty());
}

Lines Split(const std::vector<std::string_view>& chunks) {
  LineSplitter splitter;
  Lines lines;
  for (const std::string_view chunk : chunks) Collect(splitter, chunk, lines);
  if (const auto line = splitter.Finish()) {
    lines.emplace_back(line->number, line->too_long ? "<too long>" : std::string(line->text));
  }
  return lines;
}

TEST(LineSplitterTest, EveryCuttingGivesTheSameLines) {
  const std::string text = "{\"a\":1}\n\r\nbb\r\n\n  \nlast";
  const Lines expected = {{1, "{\"a\":1}"}, {2, ""}, {3, "bb"}, {4, ""}, {5, "  "}, {6, "last"}};
  EXPECT_EQ(Split({text}), expected);
  const std::string_view view = text;
  for (std::size_t i = 0; i <= text.size(); ++i) {
    for (std::size_t j = i; j <= text.size(); ++j) {
      EXPECT_EQ(Split({view.substr(0, i), view.substr(i, j - i), view.substr(j)}), expected)
          << i << " " << j;
    }
  }
}

TEST(LineSplitterTest, ALastLineFeedMakesNoLine) {
  EXPECT_EQ(Split({"a\n"}), (Lines{{1, "a"}}));
  EXPECT_EQ(Split({"a"}), (Lines{{1, "a"}}));
  EXPECT_EQ(Split({""}), Lines{});
  EXPECT_EQ(Split({"\n"}), (Lines{{1, ""}}));
}

TEST(LineSplitterTest, ATooLongLineIsOneLine) {
  const std::string most(LineSplitter::kLineBytesMax, 'x');
  const std::string text =
      most + "\n" + most + "\r\n" + most + "x\nb\n" + most + most + most + "\nc";
  const Lines expected = {{1, most}, {2, most},         {3, "<too long>"},
                          {4, "b"},  {5, "<too long>"}, {6, "c"}};
  EXPECT_EQ(Split({text}), expected);
  for (const std::size_t step : {1'000, 4'096, 16'383, 16'384, 16'385, 16'386, 40'000}) {
    std::vector<std::string_view> chunks;
    for (std::size_t at = 0; at < text.size(); at += step) {
      chunks.push_back(std::string_view(text).substr(at, step));
    }
    EXPECT_EQ(Split(chunks), expected) << step;
  }
}

std::string Gzip(std::string_view text) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string in(text);
  std::string out(deflateBound(&stream, in.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(in.data());
  stream.avail_in = static_cast<uInt>(in.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  const std::size_t size = stream.total_out;
  deflateEnd(&stream);
  return out.substr(0, size);
}

// What came out, and whether it was whole; nullopt: broken.
std::optional<std::pair<std::string, bool>> Inflate(std::string_view bytes, std::size_t step) {
  GzipInflater inflater;
  std::string all;
  for (std::size_t at = 0; at < bytes.size(); at += step) {
    std::string_view chunk = bytes.substr(at, step);
    while (true) {
      std::string_view output;
      const auto result = inflater.Next(chunk, output);
      all += output;
      if (result == GzipInflater::Step::kBroken) return std::nullopt;
      if (result == GzipInflater::Step::kNeedsInput) break;
    }
  }
  return std::pair(all, inflater.complete());
}

TEST(GzipInflaterTest, EveryCuttingGivesTheSameBytes) {
  std::mt19937 random(7);
  std::string text;
  while (text.size() < 300'000) text += "line " + std::to_string(random() % 10'000) + "\n";
  const std::string bytes = Gzip(text);
  for (const std::size_t step :
       {std::size_t{1}, std::size_t{7}, std::size_t{4'096}, bytes.size()}) {
    EXPECT_EQ(Inflate(bytes, step), std::pair(text, true)) << step;
  }
}

TEST(GzipInflaterTest, SeveralMembersAreOneStream) {
  const std::string bytes = Gzip("one\n") + Gzip("") + Gzip("two\n");
  for (std::size_t step = 1; step <= bytes.size(); ++step) {
    EXPECT_EQ(Inflate(bytes, step), std::pair(std::string("one\ntwo\n"), true)) << step;
  }
}

TEST(GzipInflaterTest, TellsBrokenFromUnfinished) {
  const std::string bytes = Gzip("{\"voter\":\"v\"}\n");
  EXPECT_FALSE(Inflate(bytes.substr(0, bytes.size() - 1), 3)->second);
  EXPECT_EQ(Inflate("plain text", 3), std::nullopt);
  EXPECT_EQ(Inflate(bytes + "x", bytes.size() + 1)->second, false);
  std::string damaged = bytes;
  damaged[damaged.size() - 6] = static_cast<char>(damaged[damaged.size() - 6] ^ 1);  // its CRC
  EXPECT_EQ(Inflate(damaged, 5), std::nullopt);
}

TEST(BatchReportTest, KeepsTheLowestLines) {
  BatchReport report(BatchReport::Results::kErrors, false);
  for (std::uint32_t line = 3'000; line > 0; --line) {
    if (line == 2) report.KeepRef(line, "r\"2");
    report.Refuse(line, ProblemCode::kOptionUnknown);
  }
  const std::string body = report.Finish();
  EXPECT_NE(body.find("\"rejected\":3000,"), std::string::npos);
  EXPECT_NE(
      body.find(R"("items":[{"line":1,"status":422,"code":"option_unknown","retryable":false},)"
                R"({"line":2,"ref":"r\"2","status":422,)"),
      std::string::npos)
      << body.substr(0, 300);
  EXPECT_NE(body.find("{\"line\":1000,"), std::string::npos);
  EXPECT_EQ(body.find("{\"line\":1001,"), std::string::npos);
  EXPECT_TRUE(body.ends_with("\"truncated\":true}\n"));
}

TEST(BatchReportTest, CountsByOutcome) {
  for (const auto results :
       {BatchReport::Results::kErrors, BatchReport::Results::kAll, BatchReport::Results::kNone}) {
    BatchReport report(results, false);
    const auto record = [&](std::uint32_t line, OutcomeCode code, Seq seq) {
      Outcome outcome;
      outcome.code = code;
      outcome.seq = seq;
      report.Record(line, outcome);
    };
    record(1, OutcomeCode::kCounted, 7);
    record(2, OutcomeCode::kDuplicate, 5);
    record(4, OutcomeCode::kReplaced, 9);
    record(3, OutcomeCode::kAlreadyVoted, 0);
    const std::string sums =
        R"({"counted":1,"duplicate":1,"replaced":1,"rejected":1,"last_seq":9,)";
    const std::string body = report.Finish();
    EXPECT_TRUE(body.starts_with(sums)) << body;
    const bool has_rejected = body.find("already_voted") != std::string::npos;
    const bool has_counted =
        body.find(R"({"line":1,"status":201,"result":"counted","seq":7})") != std::string::npos;
    EXPECT_EQ(has_rejected, results != BatchReport::Results::kNone) << body;
    EXPECT_EQ(has_counted, results == BatchReport::Results::kAll) << body;
  }
}

}  // namespace
}  // namespace tallyd
