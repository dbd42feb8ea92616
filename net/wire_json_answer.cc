#include "net/wire_json_answer.h"

#include "engine/visibility.h"
#include "net/concat.h"
#include "net/problem_response.h"
#include "net/wire_json_vote.h"
#include "net/wire_text.h"

namespace tallyd {
namespace {

void AppendSeq(std::string_view member, Seq seq, std::string& out) {
  if (seq == 0) return;
  out += ",\"";
  out += member;
  out += "\":";
  AppendNumber(seq, out);
}

std::string_view BoolText(bool value) {
  return value ? "true" : "false";
}

}  // namespace

Seq ShownSeq(const PollView& poll, Seq seq) {
  return HidesTurnout(poll.definition.visibility, poll.state) ? 0 : seq;
}

void AppendVoteAnswer(const VoteAnswer& answer, std::string& out) {
  out += "{\"status\":\"";
  out += answer.word;
  out += "\",\"poll\":\"";
  out += answer.poll;
  out += '"';
  AppendSeq("seq", answer.seq, out);
  if (!answer.receipt.empty()) {
    out += ",\"receipt\":\"";
    out += answer.receipt;
    out += '"';
  }
  AppendSeq("replaces", answer.replaces, out);
  if (!answer.in_force) out += ",\"in_force\":false";
  out += "}\n";
}

void AppendOwnBallot(const PollView& poll, const Outcome& found, std::string_view receipt,
                     std::string& out) {
  AppendTo(&out, R"({"status":"counted","poll":")", poll.definition.id, "\"");
  AppendSeq("seq", ShownSeq(poll, found.seq), out);
  AppendTo(&out, ",\"receipt\":\"", receipt, "\",\"channel\":\"",
           found.channel == Channel::kPaper ? "paper" : "online", "\",");
  AppendBallotMember(poll, found.ballot, out);
  out += "}\n";
}

void AppendReceiptAnswer(std::string_view receipt, std::string_view word, std::string_view poll,
                         Seq seq, std::string& out) {
  AppendTo(&out, R"({"receipt":")", receipt, R"(","status":")", word, R"(","poll":")", poll, "\"");
  AppendSeq("seq", seq, out);
  out += "}\n";
}

void AppendBatchAnswer(const BatchTotals& totals, const std::vector<BatchItem>& items,
                       std::string& out) {
  AppendTo(&out, "{\"counted\":", totals.counted, ",\"duplicate\":", totals.duplicate,
           ",\"replaced\":", totals.replaced, ",\"rejected\":", totals.rejected, ",\"last_seq\":");
  if (totals.seqs_hidden) {
    out += "null";
  } else {
    AppendNumber(totals.last_seq, out);
  }
  out += ",\"items\":[";
  bool first = true;
  for (const BatchItem& item : items) {
    AppendTo(&out, first ? "" : ",", "{\"line\":", item.line);
    first = false;
    if (!item.ref.empty()) {
      out += ",\"ref\":";
      AppendJsonString(item.ref, out);
    }
    AppendTo(&out, ",\"status\":", item.status);
    if (!item.code.empty()) {
      AppendTo(&out, ",\"code\":\"", item.code, "\",\"retryable\":", BoolText(item.retryable));
    }
    if (!item.result.empty()) AppendTo(&out, ",\"result\":\"", item.result, "\"");
    AppendSeq("seq", item.seq, out);
    out += '}';
  }
  AppendTo(&out, "],\"truncated\":", BoolText(totals.truncated), "}\n");
}

void AppendBackupReport(const BackupReport& report, std::string& out) {
  out += "{\"path\":";
  AppendJsonString(report.path, out);
  AppendTo(&out, ",\"epoch\":", report.epoch, ",\"position\":", report.position,
           ",\"ballots\":", report.ballots, "}\n");
}

void AppendVerifyReport(const Engine::VerifyReport& report, const PollDirectory& polls,
                        std::string& out) {
  AppendTo(&out, "{\"ok\":", BoolText(report.ok), ",\"position\":", report.position,
           ",\"records\":", report.records, ",\"polls\":[");
  bool first = true;
  for (const Engine::VerifyReport::Poll& poll : report.polls) {
    AppendTo(&out, first ? "" : ",", "{\"poll\":");
    first = false;
    AppendJsonString(poll.poll, out);
    AppendTo(&out, ",\"ok\":", BoolText(poll.ok));
    const auto view = polls.Find(poll.poll);
    const bool hidden = view != nullptr && HidesTurnout(view->definition.visibility, view->state);
    if (!hidden) AppendTo(&out, ",\"ballots\":", poll.ballots);
    out += '}';
  }
  out += ']';
  if (!report.differences.empty()) {
    out += ",\"differences\":[";
    for (std::size_t i = 0; i < report.differences.size(); ++i) {
      if (i != 0) out += ',';
      AppendJsonString(report.differences[i], out);
    }
    out += ']';
  }
  out += "}\n";
}

void AppendProblemExplanation(const Problem& problem, bool german, std::string& out) {
  const ProblemText& text = german ? problem.de : problem.en;
  AppendTo(&out, "{\"code\":\"", problem.name, "\",\"status\":", problem.status,
           ",\"retryable\":", BoolText(problem.retryable), ",\"title\":");
  AppendJsonString(text.title, out);
  out += ",\"explanation\":";
  AppendJsonString(text.explanation, out);
  out += "}\n";
}

void AppendVersion(std::string_view version, std::string& out) {
  out += R"({"name":"tallyd","version":)";
  AppendJsonString(version, out);
  out += "}\n";
}

}  // namespace tallyd
