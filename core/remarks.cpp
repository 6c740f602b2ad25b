#include "core/remarks.h"

#include <utility>

namespace swipegym {
namespace {

thread_local RemarkListener* last_listener = nullptr;

}  // namespace

RemarkListener::RemarkListener(std::function<void(const std::string&)> listen)
    : listen_(std::move(listen)), before_(last_listener) {
  last_listener = this;
}

RemarkListener::~RemarkListener() {
  last_listener = before_;
}

void remark(const std::string& text) {
  if (last_listener != nullptr && last_listener->listen_) last_listener->listen_(text);
}

}  // namespace swipegym
