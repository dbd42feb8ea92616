#include "tests/model/random_marks.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace tallyd {
namespace {

PackedBallot PackAnswer(BallotType type, const Marks& marks) {
  std::vector<OptionIndex> options;
  std::vector<OptionValue> values;
  for (const auto& [option, points] : marks) {
    options.push_back(option);
    values.push_back({option, points});
  }
  switch (type) {
    case BallotType::kChoose:
      return PackChoose(absl::MakeSpan(options));
    case BallotType::kPoints:
      return PackPoints(absl::MakeSpan(values));
    case BallotType::kRank:
      return PackRank(options);
    case BallotType::kUpDown:
      return PackUpDown(absl::MakeSpan(values));
    case BallotType::kSurvey:
      break;
  }
  return {};
}

int Below(int bound, std::mt19937_64& random) {
  return std::uniform_int_distribution<int>(0, bound - 1)(random);
}

Marks AnyAnswer(const PollDefinition& definition, const BallotDefinition& rules,
                QuestionIndex question, std::mt19937_64& random) {
  std::vector<OptionIndex> options;
  for (OptionIndex i = 0; i < definition.options.size(); ++i) {
    if (definition.options[i].question == question) options.push_back(i);
  }
  std::shuffle(options.begin(), options.end(), random);
  std::size_t count = static_cast<std::size_t>(Below(3, random));
  if (rules.type == BallotType::kChoose) {
    count = rules.min +
            static_cast<std::size_t>(Below(static_cast<int>(rules.max - rules.min) + 1, random));
  } else if (rules.type == BallotType::kRank) {
    count = static_cast<std::size_t>(Below(static_cast<int>(rules.max) + 1, random));
  }
  const int low = rules.type == BallotType::kUpDown ? -1 : 0;
  Marks marks;
  for (std::size_t i = 0; i < std::min(count, options.size()); ++i) {
    marks.emplace_back(options[i], low + Below(3, random));
  }
  return marks;
}

}  // namespace

PackedBallot Pack(const PollDefinition& poll, const Marks& marks) {
  if (poll.questions.empty()) return PackAnswer(poll.ballot.type, marks);
  std::vector<PackedBallot> answers;
  for (QuestionIndex i = 0; i < poll.questions.size(); ++i) {
    Marks answer;
    for (const auto& mark : marks) {
      const bool known = mark.first < poll.options.size();
      if ((known ? poll.options[mark.first].question : 0) == i) answer.push_back(mark);
    }
    answers.push_back(PackAnswer(poll.questions[i].ballot.type, answer));
  }
  return PackSurvey(answers);
}

Marks AnyMarks(const PollDefinition& poll, std::mt19937_64& random) {
  if (poll.questions.empty()) return AnyAnswer(poll, poll.ballot, 0, random);
  Marks marks;
  for (QuestionIndex i = 0; i < poll.questions.size(); ++i) {
    const Marks answer = AnyAnswer(poll, poll.questions[i].ballot, i, random);
    marks.insert(marks.end(), answer.begin(), answer.end());
  }
  return marks;
}

}  // namespace tallyd
