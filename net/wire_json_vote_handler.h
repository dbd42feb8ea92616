#pragma once

// What VoteDecoder does with each event of the JSON parser: members are known by name, texts become
// option indexes at once, and the first fault is kept with its place.
//
// Included by wire_json_vote.cc only. One thread; Begin() before each body. Its strings and vectors
// keep their memory, so that nothing is allocated once warm.

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/json/error.hpp>
#include <boost/json/string_view.hpp>

#include "net/concat.h"
#include "net/wire_json_document.h"
#include "net/wire_json_vote.h"
#include "net/wire_json_vote_members.h"
#include "net/wire_text.h"

namespace tallyd::vote_json {

namespace json = boost::json;
using enum ProblemCode;

inline constexpr std::size_t kRefBytesMax = 128;

// What one question was answered: a range of `options` (and `points`).
struct AnswerRange {
  QuestionIndex question = 0;
  std::size_t begin = 0;
  std::size_t end = 0;
};

// Receives the events of the parser. Level 1 are the members, level 2 what is in choices, points,
// votes or ranking; anything deeper is a fault that was noted where it began. In a survey an answer
// is an object of its own two levels further down, whose members are those of a ballot: levels are
// counted from there.
class VoteHandler {
 public:
  // NOLINTBEGIN(readability-identifier-naming): Boost.JSON asks for these names
  static constexpr std::size_t max_object_size = std::numeric_limits<std::size_t>::max();
  static constexpr std::size_t max_array_size = std::numeric_limits<std::size_t>::max();
  static constexpr std::size_t max_key_size = std::numeric_limits<std::size_t>::max();
  static constexpr std::size_t max_string_size = std::numeric_limits<std::size_t>::max();
  // NOLINTEND(readability-identifier-naming)

  void Begin(const PollView& poll, VoteDecoder::Form form) {
    poll_ = &poll;
    form_ = form;
    depth_ = base_ = 0;
    question_ = 0;
    answers.clear();
    ballot_no.reset();
    day.clear();
    in_answers_ = question_known_ = false;
    top_is_object_ = in_ballot_ = faulty_ = syntax_fault_ = false;
    seen_ = 0;
    member_ = Member::kUnknown;
    voter.clear();
    ref.clear();
    box_id.clear();
    has_box = false;
    channel = Channel::kOnline;
    options.clear();
    points.clear();
    text_.clear();
  }

  bool faulty() const { return faulty_; }
  bool syntax_fault() const { return syntax_fault_; }  // a 400: the text itself is refused
  BodyError& fault() { return fault_; }
  bool Saw(Member member) const { return (seen_ & Bit(member)) != 0; }

  // Notes the first fault; reading goes on, because a 400 further on wins.
  void Fault(ProblemCode code, std::string pointer, std::string_view detail) {
    if (faulty_) return;
    faulty_ = true;
    fault_.code = code;
    fault_.pointer = std::move(pointer);
    fault_.detail = std::string(detail);
  }

  // What was read.
  std::string voter, ref, box_id;
  bool has_box = false;
  Channel channel = Channel::kOnline;
  std::vector<OptionIndex> options;
  std::vector<std::int64_t> points;
  std::vector<AnswerRange> answers;  // survey
  std::optional<std::int64_t> ballot_no;
  std::string day;

  // "/answers/q1" while an answer is read, else "".
  std::string AnswerPointer() const {
    return base_ == 0 ? std::string() : PointerToAnswer(question_);
  }
  std::string PointerToAnswer(QuestionIndex question) const {
    std::string pointer = "/answers";
    AppendPointer(poll_->definition.questions[question].id, pointer);
    return pointer;
  }

  bool on_document_begin(json::error_code&) { return true; }
  bool on_document_end(json::error_code&) { return true; }

  bool on_object_begin(json::error_code&) {
    if (depth_ == 0) top_is_object_ = true;
    if (AtAnswer()) {
      BeginAnswer();
      return true;
    }
    if (Level() == 1 && top_is_object_ && !HasValues(member_) && member_ != Member::kAnswers) {
      FaultType();
    }
    if (Level() == 2 && InBallot()) FaultElement();
    in_answers_ = in_answers_ || (depth_ == 1 && top_is_object_ && member_ == Member::kAnswers);
    Enter(Level() == 1 && HasValues(member_));
    return true;
  }
  bool on_object_end(std::size_t, json::error_code&) {
    Leave();
    return true;
  }
  bool on_array_begin(json::error_code&) {
    if (depth_ == 0) FaultTop();
    if (AtAnswer()) FaultAnswer();
    if (Level() == 1 && top_is_object_ && !IsList(member_)) FaultType();
    if (Level() == 2 && InBallot()) FaultElement();
    Enter(Level() == 1 && IsList(member_));
    return true;
  }
  bool on_array_end(std::size_t, json::error_code&) {
    Leave();
    return true;
  }

  bool on_key_part(json::string_view part, std::size_t, json::error_code&) {
    text_.append(part.data(), part.size());
    return true;
  }
  bool on_key(json::string_view part, std::size_t, json::error_code& ec) {
    const std::string_view key = WholeText(part);
    bool go_on = true;
    if (AtAnswer()) {
      go_on = OnQuestion(key, ec);
    } else if (Level() == 1) {
      go_on = OnMember(key, ec);
    } else if (Level() == 2 && InBallot()) {
      AddOption(key);
      points.push_back(0);
    }
    text_.clear();
    return go_on;
  }
  bool on_string_part(json::string_view part, std::size_t, json::error_code&) {
    text_.append(part.data(), part.size());
    return true;
  }
  bool on_string(json::string_view part, std::size_t, json::error_code&) {
    const std::string_view text = WholeText(part);
    if (depth_ == 0) {
      FaultTop();
    } else if (depth_ == 1) {
      OnText(text);
    } else if (Level() == 2 && InBallot()) {
      if (HasValues(member_)) {
        FaultElement();
      } else {
        AddOption(text);
        if (base_ != 0) points.push_back(0);  // beside the options of every answer
      }
    } else {
      OnOtherScalar();
    }
    text_.clear();
    return true;
  }
  bool on_number_part(json::string_view, json::error_code&) { return true; }
  bool on_int64(std::int64_t number, json::string_view, json::error_code&) {
    OnInteger(number);
    return true;
  }
  bool on_uint64(std::uint64_t, json::string_view, json::error_code&) {
    OnOtherScalar();
    return true;
  }
  bool on_double(double, json::string_view, json::error_code&) {
    OnOtherScalar();
    return true;
  }
  bool on_bool(bool, json::error_code&) {
    OnOtherScalar();
    return true;
  }
  bool on_null(json::error_code&) {
    OnOtherScalar();
    return true;
  }
  bool on_comment_part(json::string_view, json::error_code&) { return true; }
  bool on_comment(json::string_view, json::error_code&) { return true; }

 private:
  // A text that came in one piece is used where it lies.
  std::string_view WholeText(json::string_view part) {
    if (text_.empty()) return {part.data(), part.size()};
    text_.append(part.data(), part.size());
    return text_;
  }

  int Level() const { return depth_ - base_; }
  // Between the question's key and its answer.
  bool AtAnswer() const { return in_answers_ && depth_ == 2 && base_ == 0; }

  void Enter(bool ballot) {
    ++depth_;
    if (Level() == 2) in_ballot_ = ballot && top_is_object_;
  }
  void Leave() {
    if (Level() == 2) in_ballot_ = false;
    --depth_;
    if (base_ != 0 && depth_ == base_) EndAnswer();
    if (depth_ == 1) in_answers_ = false;
  }
  bool InBallot() const { return in_ballot_; }

  bool OnQuestion(std::string_view id, json::error_code& ec) {
    const std::optional<QuestionIndex> question = poll_->FindQuestion(id);
    question_known_ = question.has_value();
    if (!question) {
      std::string pointer = "/answers";
      AppendPointer(id, pointer);
      Fault(kQuestionUnknown, std::move(pointer), "");
      return true;
    }
    question_ = *question;
    for (const AnswerRange& answer : answers) {
      if (answer.question == question_) {
        return RefuseText(kJsonDuplicateMember, PointerToAnswer(question_),
                          "this member is named twice", ec);
      }
    }
    return true;
  }
  void BeginAnswer() {
    Enter(false);
    if (!question_known_) return;
    base_ = 2;
    answer_seen_ = 0;
    member_ = Member::kUnknown;
    answers.push_back({question_, options.size(), options.size()});
  }
  void EndAnswer() {
    const BallotType type = BallotOf(question_);
    if ((answer_seen_ & Bit(MemberOf(type))) == 0) {
      Fault(kMemberMissing, Concat(AnswerPointer(), "/", BallotMemberName(type)),
            "the answer is missing");
    }
    answers.back().end = options.size();
    base_ = 0;
    member_ = Member::kAnswers;
  }
  BallotType BallotOf(QuestionIndex question) const {
    return poll_->definition.questions[question].ballot.type;
  }
  void FaultAnswer() {
    if (question_known_) {
      Fault(kMemberInvalid, PointerToAnswer(question_), "an answer must be an object");
    }
  }

  bool OnMember(std::string_view key, json::error_code& ec) {
    member_ = Member::kUnknown;
    for (const MemberName& known : kMembers) {
      const bool allowed =
          base_ == 0 ? IsFor(known.where) : HasValues(known.member) || IsList(known.member);
      if (known.name == key && allowed) {
        member_ = known.member;
        break;
      }
    }
    member_name_.assign(key);
    if (member_ == Member::kUnknown) {
      Fault(kJsonUnknownMember, MemberPointer(), "this member is not known here");
      return true;
    }
    unsigned& seen = base_ == 0 ? seen_ : answer_seen_;
    if ((seen & Bit(member_)) != 0) {
      return RefuseText(kJsonDuplicateMember, MemberPointer(), "this member is named twice", ec);
    }
    seen |= Bit(member_);
    const bool ballot = HasValues(member_) || IsList(member_) || member_ == Member::kAnswers;
    const BallotType type = base_ == 0 ? poll_->definition.ballot.type : BallotOf(question_);
    if (ballot && member_ != MemberOf(type)) {
      Fault(
          kWrongBallotType, MemberPointer(),
          Concat(base_ == 0 ? "this poll takes " : "this question takes ", BallotMemberName(type)));
      member_ = Member::kUnknown;
    }
    return true;
  }

  bool IsFor(Where where) const {
    switch (where) {
      case Where::kVote:
        return form_ != VoteDecoder::Form::kCardLine;
      case Where::kBatchLine:
        return form_ == VoteDecoder::Form::kBatchLine;
      case Where::kCardLine:
        return form_ == VoteDecoder::Form::kCardLine;
      case Where::kAnywhere:
        return true;
    }
    return false;
  }

  bool RefuseText(ProblemCode code, std::string pointer, std::string_view detail,
                  json::error_code& ec) {
    faulty_ = false;
    Fault(code, std::move(pointer), detail);
    syntax_fault_ = true;
    ec = json::error::syntax;
    return false;
  }

  void OnText(std::string_view text) {
    switch (member_) {
      case Member::kVoter:
        if (!IsVoter(text)) Fault(kVoterInvalid, "/voter", "");
        voter.assign(text);
        return;
      case Member::kCard:
        if (!IsVoter(text)) Fault(kVoterInvalid, "/card", "");
        voter.assign(text);
        return;
      case Member::kRef:
        if (text.size() > kRefBytesMax) {
          Fault(kMemberInvalid, "/ref", Concat("must not have more than ", kRefBytesMax, " bytes"));
          return;
        }
        ref.assign(text);
        return;
      case Member::kChannel:
        if (text != "online" && text != "paper") {
          Fault(kMemberInvalid, "/channel", "must be online or paper");
        }
        channel = text == "paper" ? Channel::kPaper : Channel::kOnline;
        return;
      case Member::kBox:
        has_box = true;
        box_id.assign(text);
        return;
      case Member::kDay:
        day.assign(text);
        return;
      case Member::kUnknown:
        return;
      default:
        FaultType();
    }
  }

  void OnInteger(std::int64_t number) {
    if (depth_ == 1 && member_ == Member::kBallotNo) {
      if (number < 1) {
        FaultType();
      } else {
        ballot_no = number;
      }
    } else if (Level() == 2 && InBallot() && HasValues(member_)) {
      const bool votes = member_ == Member::kVotes;
      constexpr std::int64_t kMost = std::numeric_limits<std::uint32_t>::max();
      if (votes ? number < -1 || number > 1 : number < 0) {
        FaultElement();
      } else {
        if (!points.empty()) points.back() = std::min(number, kMost);
      }
    } else {
      OnOtherScalar();
    }
  }

  void OnOtherScalar() {
    if (depth_ == 0) {
      FaultTop();
    } else if (AtAnswer()) {
      FaultAnswer();
    } else if (Level() == 1) {
      FaultType();
    } else if (Level() == 2 && InBallot()) {
      FaultElement();
    }
  }

  void AddOption(std::string_view id) {
    const std::optional<OptionIndex> option = poll_->FindOption(id, base_ == 0 ? 0 : question_);
    if (!option) {
      std::string pointer = MemberPointer();
      if (HasValues(member_)) {
        AppendPointer(id, pointer);
      } else {
        AppendTo(&pointer, "/", PlaceInList());
      }
      Fault(kOptionUnknown, std::move(pointer), "");
    }
    options.push_back(option.value_or(std::numeric_limits<OptionIndex>::max()));
  }

  std::size_t PlaceInList() const {
    return options.size() - (base_ == 0 ? 0 : answers.back().begin);
  }
  std::string MemberPointer() const {
    std::string pointer = AnswerPointer();
    AppendPointer(member_name_, pointer);
    return pointer;
  }
  void FaultTop() { Fault(kMemberInvalid, "", "the body must be an object"); }
  void FaultType() {
    if (member_ == Member::kUnknown) return;
    std::string_view wanted = "must be a string";
    if (member_ == Member::kBallotNo) wanted = "must be a positive integer";
    if (member_ == Member::kPoints) wanted = "must be an object: points by option";
    if (member_ == Member::kVotes) wanted = "must be an object: 1, 0 or -1 by option";
    if (member_ == Member::kAnswers) wanted = "must be an object: an answer by question";
    if (member_ == Member::kChoices || member_ == Member::kRanking) {
      wanted = "must be an array of option ids";
    }
    Fault(kMemberInvalid, MemberPointer(), wanted);
  }
  void FaultElement() {
    std::string pointer = MemberPointer();
    if (HasValues(member_)) {
      const bool known = !options.empty() && options.back() < poll_->definition.options.size();
      if (known) AppendPointer(poll_->definition.options[options.back()].id, pointer);
      Fault(kMemberInvalid, std::move(pointer),
            member_ == Member::kVotes ? "a vote is 1, 0 or -1" : "points are integers from 0");
    } else {
      AppendTo(&pointer, "/", PlaceInList());
      Fault(kMemberInvalid, std::move(pointer), "must be an option id");
    }
  }

  const PollView* poll_ = nullptr;
  VoteDecoder::Form form_ = VoteDecoder::Form::kSingle;
  int depth_ = 0;
  int base_ = 0;  // 2 inside an answer of a survey
  bool in_answers_ = false;
  bool question_known_ = false;
  QuestionIndex question_ = 0;  // whose answer is read
  unsigned answer_seen_ = 0;
  bool top_is_object_ = false;
  bool in_ballot_ = false;
  bool faulty_ = false;
  bool syntax_fault_ = false;
  unsigned seen_ = 0;
  Member member_ = Member::kUnknown;
  std::string member_name_;
  std::string text_;
  BodyError fault_{};
};

}  // namespace tallyd::vote_json
