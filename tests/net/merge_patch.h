#pragma once

// RFC 7396, section 2, word for word.

#include <utility>

#include "boost/json/value.hpp"

namespace tallyd {

inline boost::json::value MergePatch(boost::json::value target, const boost::json::value& patch) {
  if (!patch.is_object()) return patch;
  if (!target.is_object()) target = boost::json::object();
  for (const auto& member : patch.as_object()) {
    if (member.value().is_null()) {
      target.as_object().erase(member.key());
    } else {
      boost::json::value& old = target.as_object()[member.key()];
      old = MergePatch(std::move(old), member.value());
    }
  }
  return target;
}

}  // namespace tallyd
