// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "galena/detail/message.hpp"
#include "galena/detail/output.hpp"
#include "galena/export.hpp"

/// How handlers are recognised and called. A handler is a struct with handle_consume or handle_produce, or anything
/// that can be called with the same arguments (a lambda). No base class, no macro.
namespace galena::detail {

/// The parameter types of a member function or of a callable that has exactly one signature; Unknown otherwise.
struct Unknown {};
template <class F>
struct Signature {
  using First = Unknown;
  using Second = Unknown;
};
template <class A, class... Rest>
struct Parameters {
  using First = std::remove_cvref_t<A>;
  using Second = Unknown;
};
template <class A, class B, class... Rest>
struct Parameters<A, B, Rest...> {
  using First = std::remove_cvref_t<A>;
  using Second = std::remove_cvref_t<B>;
};
template <class R, class C, class... A>
requires(sizeof...(A) > 0) struct Signature<R (C::*)(A...)> : Parameters<A...> {
};
template <class R, class C, class... A>
requires(sizeof...(A) > 0) struct Signature<R (C::*)(A...) const> : Parameters<A...> {
};
template <class R, class C, class... A>
requires(sizeof...(A) > 0) struct Signature<R (C::*)(A...) noexcept> : Parameters<A...> {
};
template <class R, class C, class... A>
requires(sizeof...(A) > 0) struct Signature<R (C::*)(A...) const noexcept> : Parameters<A...> {
};
template <class R, class... A>
requires(sizeof...(A) > 0) struct Signature<R (*)(A...)> : Parameters<A...> {
};

template <class H>
auto signature_of() {
  if constexpr (requires { &H::handle_produce; }) {
    return Signature<decltype(&H::handle_produce)>{};
  } else if constexpr (requires { &H::handle_consume; }) {
    return Signature<decltype(&H::handle_consume)>{};
  } else if constexpr (requires { &H::operator(); }) {
    return Signature<decltype(&H::operator())>{};
  } else {
    return Signature<std::decay_t<H>>{};
  }
}

/// Calls the handler by whichever of the three it has.
template <class H, class... In>
decltype(auto) call(H& handler, In&&... in) {
  if constexpr (requires { handler.handle_produce(std::forward<In>(in)...); }) {
    return handler.handle_produce(std::forward<In>(in)...);
  } else if constexpr (requires { handler.handle_consume(std::forward<In>(in)...); }) {
    return handler.handle_consume(std::forward<In>(in)...);
  } else {
    return handler(std::forward<In>(in)...);
  }
}

template <class H, class... In>
concept Callable = requires(H& handler, In&&... in) {
  handler.handle_produce(std::forward<In>(in)...);
}
|| requires(H& handler, In&&... in) { handler.handle_consume(std::forward<In>(in)...); }
|| std::invocable<H&, In...>;

template <class R>
struct IsEvents : std::bool_constant<std::is_void_v<R> || std::is_same_v<R, Event> || std::is_same_v<R, EventView> ||
                                     std::is_same_v<R, std::optional<Event>> || std::is_same_v<R, std::vector<Event>>> {
};

template <class Out>
void put_result(Out& out, const Event& event) {
  out.put(event.view());
}
template <class Out>
void put_result(Out& out, const EventView& event) {
  out.put(event);
}
template <class Out>
void put_result(Out& out, const std::optional<Event>& event) {
  if (event) out.put(event->view());
}
template <class Out>
void put_result(Out& out, const std::vector<Event>& events) {
  std::vector<EventView> views;
  views.reserve(events.size());
  for (const Event& event : events) views.push_back(event.view());
  out.put(std::span<const EventView>(views));
}

/// Runs handle_produce with these inputs, and with a sink if it takes one. What it made goes to `out` at the end.
template <class H, class Out, class... In>
void produce(H& handler, Out& out, In&&... in) {
  if constexpr (Callable<H, In..., Sink&>) {
    static_assert(std::is_void_v<decltype(call(handler, std::forward<In>(in)..., std::declval<Sink&>()))>,
                  "a handle_produce that takes a Sink returns nothing");
    Sink& sink = out.sink();
    call(handler, std::forward<In>(in)..., sink);
    out.put(sink.events());
  } else {
    static_assert(Callable<H, In...>, "handle_produce cannot be called with this input");
    using Result = std::remove_cvref_t<decltype(call(handler, std::forward<In>(in)...))>;
    static_assert(
        IsEvents<Result>::value && !std::is_void_v<Result>,
        "handle_produce must return an Event, EventView, std::optional<Event> or std::vector<Event>, or take a "
        "Sink& as its last parameter");
    put_result(out, call(handler, std::forward<In>(in)...));
  }
}

/// The message type that a handler of (topic, message) takes; raw bytes if that is left open (`auto`).
template <class H>
using MessageOf = std::conditional_t<std::is_same_v<typename decltype(signature_of<H>())::Second, Unknown>,
                                     std::string_view, typename decltype(signature_of<H>())::Second>;

/// Takes an EventView, whatever the payload is.
template <class H, class... Out>
concept TakesView = Callable<H, const EventView&, Out...>;
template <class H, class... Out>
concept TakesMessage = Callable<H, std::string_view, MessageOf<H>, Out...>;

template <class H>
concept ConsumerHandler = TakesView<H> || TakesMessage<H> || TakesMessage<H, const EventView&>;
template <class H>
concept RelayHandler = TakesView<H> || TakesView<H, Sink&> || TakesMessage<H> || TakesMessage<H, Sink&>;
template <class H>
concept ProducerHandler = std::is_class_v<H> || std::is_pointer_v<H>;

/// How a handler took an event.
enum class Taken : std::uint8_t {
  yes,
  mismatch,  ///< the message is not of its type
  no_type,   ///< it is open which type it takes, or nothing unpacks to it
};

/// For Stage: hands an event to a consumer's handler.
template <class H>
Taken consume_with(void* handler, const EventView& event) {
  H& h = *static_cast<H*>(handler);
  if constexpr (TakesView<H>) {
    call(h, event);
  } else {
    using M = MessageOf<H>;
    auto message = decode_message<M>(event);
    if (!message) return Taken::mismatch;
    if constexpr (TakesMessage<H, const EventView&>) {
      call(h, event.topic, std::forward<M>(*message), event);
    } else {
      call(h, event.topic, std::forward<M>(*message));
    }
  }
  return Taken::yes;
}

/// For Stage: hands an event to a producer-consumer's handler.
template <class H>
Taken relay_with(void* handler, const EventView& event, Output& out) {
  H& h = *static_cast<H*>(handler);
  if constexpr (TakesView<H> || TakesView<H, Sink&>) {
    produce(h, out, event);
  } else {
    using M = MessageOf<H>;
    auto message = decode_message<M>(event);
    if (!message) return Taken::mismatch;
    produce(h, out, event.topic, std::forward<M>(*message));
  }
  return Taken::yes;
}

/// For Stage: runs a producer's handle_produce on a value that came from elsewhere.
template <class H>
Taken produce_with(void* handler, const EventView& event, Output& out) {
  using In = typename decltype(signature_of<H>())::First;
  if constexpr (std::is_same_v<In, EventView>) {
    produce(*static_cast<H*>(handler), out, event);
    return Taken::yes;
  } else if constexpr (std::is_same_v<In, Unknown> || std::is_same_v<In, Sink> || std::is_pointer_v<In> ||
                       !std::is_default_constructible_v<In>) {
    return Taken::no_type;  // nothing that could be unpacked: it is ingested within the program only
  } else {
    auto value = decode_message<In>(event);
    if (!value) return Taken::mismatch;
    produce(*static_cast<H*>(handler), out, std::forward<In>(*value));
    return Taken::yes;
  }
}

}  // namespace galena::detail
