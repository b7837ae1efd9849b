// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "galena/codec.hpp"
#include "galena/detail/method.hpp"
#include "galena/detail/output.hpp"
#include "galena/event.hpp"
#include "galena/event_view.hpp"
#include "galena/export.hpp"
#include "galena/sink.hpp"

/// How handlers are checked and called. A handler is a struct with handle_consume (for a Consumer) or handle_produce
/// (for a Producer or ProducerConsumer), or anything that can be called with the same arguments: a lambda, a function,
/// or std::ref of one of these. No base class, no macro.
namespace galena::detail {

/// std::ref(handler) is called as the handler.
template <class H>
using Unwrapped = std::remove_reference_t<std::unwrap_reference_t<H>>;
template <class H>
Unwrapped<H>& unwrap(H& handler) {
  return handler;
}

/// The message type that a handler of (topic, message) takes; raw bytes if that is left open (`auto`).
template <class H, class Method>
using MessageOf =
    std::conditional_t<std::is_same_v<Parameter<H, Method, 1>, Unknown>, std::string_view, Parameter<H, Method, 1>>;
/// The topic as the handler takes it: a string of its own only if it asks for one.
template <class H, class Method>
using TopicOf = std::conditional_t<std::is_same_v<Parameter<H, Method, 0>, std::string>, std::string, std::string_view>;

/// Takes an EventView, whatever the payload is.
template <class H, class Method, class... Out>
concept TakesView = Callable<H, Method, const EventView&, Out...>;
template <class H, class Method, class... Out>
concept TakesMessage = Callable<H, Method, TopicOf<H, Method>, MessageOf<H, Method>, Out...>;

template <class T>
inline constexpr bool is_changeable_reference =
    std::is_lvalue_reference_v<T> && !std::is_const_v<std::remove_reference_t<T>> && !std::is_same_v<T, Sink&>;

template <class...>
inline constexpr bool never_true = false;

template <class H>
constexpr bool is_consumer_handler =
    TakesView<H, HandleConsume> || TakesMessage<H, HandleConsume> || TakesMessage<H, HandleConsume, const EventView&>;
template <class H>
constexpr bool is_relay_handler = TakesView<H, HandleProduce> || TakesView<H, HandleProduce, Sink&> ||
                                  TakesMessage<H, HandleProduce> || TakesMessage<H, HandleProduce, Sink&>;

/// True for handlers of which it is known which one message type they take, if they take messages; else a static
/// assertion says what is wrong.
template <class H, class Method>
constexpr bool check_message() {
  if constexpr (is_changeable_reference<WrittenParameter<H, Method, 0>> ||
                is_changeable_reference<WrittenParameter<H, Method, 1>>) {
    static_assert(never_true<H>,
                  "a handler takes its topic and its message by value or as const&: this one takes a reference that is "
                  "not const");
  } else if constexpr (has_method<H, Method>() && !HasOne<H, Method> && !Method::template generic<H>) {
    static_assert(
        never_true<H>,
        "the handler's method is private, or overloaded, so that nobody can tell to which type a message should "
        "be unpacked: have one that takes const EventView& and asks event.as<T>()");
  } else {
    return true;
  }
  return false;
}

/// True if a Consumer can call the handler; else a static assertion says what is wrong.
template <class Wrapped>
constexpr bool check_consumer_handler() {
  using H = Unwrapped<Wrapped>;
  if constexpr (!is_consumer_handler<H> && !has_method<H, HandleConsume>() && has_method<H, HandleProduce>()) {
    static_assert(never_true<H>,
                  "a Consumer calls handle_consume, and this handler has only handle_produce: rename it, or make a "
                  "ProducerConsumer");
  } else if constexpr (check_message<H, HandleConsume>()) {
    static_assert(is_consumer_handler<H>,
                  "a consumer's handler needs handle_consume(std::string_view topic, message), "
                  "handle_consume(topic, message, const EventView&) or handle_consume(const EventView&)");
    return is_consumer_handler<H>;
  }
  return false;
}

/// The same for a ProducerConsumer.
template <class Wrapped>
constexpr bool check_relay_handler() {
  using H = Unwrapped<Wrapped>;
  if constexpr (!is_relay_handler<H> && !has_method<H, HandleProduce>() && has_method<H, HandleConsume>()) {
    static_assert(never_true<H>,
                  "a ProducerConsumer calls handle_produce, and this handler has only handle_consume: rename it, or "
                  "make a Consumer");
  } else if constexpr (check_message<H, HandleProduce>()) {
    static_assert(is_relay_handler<H>,
                  "a producer-consumer's handler needs handle_produce(std::string_view topic, message) or "
                  "handle_produce(const EventView&), returning events or taking a Sink& as its last parameter");
    return is_relay_handler<H>;
  }
  return false;
}

/// The same for a Producer, whose handle_produce may be overloaded: ingest() picks one.
template <class Wrapped>
constexpr bool check_producer_handler() {
  using H = Unwrapped<Wrapped>;
  static_assert(has_method<H, HandleProduce>() || !has_method<H, HandleConsume>(),
                "a Producer calls handle_produce, and this handler has only handle_consume: rename it, or make a "
                "Consumer");
  static_assert(std::is_class_v<H> || std::is_pointer_v<H> || std::is_function_v<H>,
                "a producer's handler is a struct with handle_produce(input), or a lambda");
  return true;
}

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

template <class R>
concept Events = std::is_same_v<R, Event> || std::is_same_v<R, EventView> || std::is_same_v<R, std::optional<Event>> ||
    std::is_same_v<R, std::vector<Event>>;

/// Runs handle_produce (or another method) with these inputs, and with a sink if it takes one. What it made goes to
/// `out` at the end.
template <class Method = HandleProduce, class Wrapped, class Out, class... In>
void produce(Wrapped& wrapped, Out& out, In&&... in) {
  auto& handler = unwrap(wrapped);
  using H = std::remove_reference_t<decltype(handler)>;
  using Call = CallBy<H, Method>;
  if constexpr (Callable<H, Method, In..., Sink&>) {
    static_assert(std::is_void_v<decltype(Call::call(handler, std::forward<In>(in)..., std::declval<Sink&>()))>,
                  "a handle_produce that takes a Sink& returns nothing");
    Sink& sink = out.sink();
    Call::call(handler, std::forward<In>(in)..., sink);
    out.put(sink.events());
  } else if constexpr (Callable<H, Method, In...>) {
    using Result = std::remove_cvref_t<decltype(Call::call(handler, std::forward<In>(in)...))>;
    static_assert(Events<Result>,
                  "handle_produce must return an Event, EventView, std::optional<Event> or std::vector<Event>, or take "
                  "a Sink& as its last parameter");
    if constexpr (Events<Result>) put_result(out, Call::call(handler, std::forward<In>(in)...));
  } else {
    static_assert(never_true<H>, "handle_produce cannot be called with this input");
  }
}

/// How a handler took an event.
enum class Taken : std::uint8_t {
  yes,
  mismatch,  ///< the message is not of its type
  no_type,   ///< it is open which type it takes, or nothing unpacks to it
};

template <class H, class... In>
void consume(H& handler, In&&... in) {
  using Call = CallBy<H, HandleConsume>;
  static_assert(std::is_void_v<decltype(Call::call(handler, std::forward<In>(in)...))>,
                "a Consumer does nothing with what its handler returns: return nothing, or make a ProducerConsumer, "
                "which publishes events");
  Call::call(handler, std::forward<In>(in)...);
}

/// For Stage: hands an event to a consumer's handler.
template <class Wrapped>
Taken consume_with(void* wrapped, const EventView& event) {
  auto& handler = unwrap(*static_cast<Wrapped*>(wrapped));
  using H = std::remove_reference_t<decltype(handler)>;
  if constexpr (TakesView<H, HandleConsume>) {
    consume(handler, event);
  } else {
    using M = MessageOf<H, HandleConsume>;
    auto message = event.as<M>();
    if (!message) return Taken::mismatch;
    TopicOf<H, HandleConsume> topic(event.topic);
    if constexpr (TakesMessage<H, HandleConsume, const EventView&>) {
      consume(handler, std::move(topic), std::forward<M>(*message), event);
    } else {
      consume(handler, std::move(topic), std::forward<M>(*message));
    }
  }
  return Taken::yes;
}

/// For Stage: hands an event to a producer-consumer's handler.
template <class Wrapped>
Taken relay_with(void* wrapped, const EventView& event, Output& out) {
  auto& handler = unwrap(*static_cast<Wrapped*>(wrapped));
  using H = std::remove_reference_t<decltype(handler)>;
  if constexpr (TakesView<H, HandleProduce> || TakesView<H, HandleProduce, Sink&>) {
    produce(handler, out, event);
  } else {
    using M = MessageOf<H, HandleProduce>;
    auto message = event.as<M>();
    if (!message) return Taken::mismatch;
    TopicOf<H, HandleProduce> topic(event.topic);
    produce(handler, out, std::move(topic), std::forward<M>(*message));
  }
  return Taken::yes;
}

template <class M>
concept Unpackable = Decodable<M> && std::is_default_constructible_v<M>;

/// Unpacks the value, of what a handle_produce with these inputs takes: its input, or a tuple if it has several.
template <class H, class... In>
Taken produce_from(H& handler, const EventView& event, Output& out, Types<In...>) {
  if constexpr (sizeof...(In) == 0 || !(Unpackable<In> && ...) ||
                !(Callable<H, HandleProduce, In...> || Callable<H, HandleProduce, In..., Sink&>)) {
    return Taken::no_type;  // nothing that could be unpacked: it is ingested within the program only
  } else if constexpr (sizeof...(In) == 1) {
    auto value = event.as<In...>();
    if (!value) return Taken::mismatch;
    produce(handler, out, std::forward<In...>(*value));
    return Taken::yes;
  } else if constexpr (Unpackable<std::tuple<In...>>) {
    auto values = event.as<std::tuple<In...>>();
    if (!values) return Taken::mismatch;
    std::apply([&](In&... in) { produce(handler, out, std::forward<In>(in)...); }, *values);
    return Taken::yes;
  } else {
    return Taken::no_type;
  }
}

/// True if a publishing stage can call the handler without an input, by handle_tick or handle_end; else a static
/// assertion says what is wrong, if the handler has the method.
template <class Wrapped, class Method>
constexpr bool check_without_input() {
  using H = Unwrapped<Wrapped>;
  if constexpr (!has_method<H, Method>()) {
    return false;
  } else {
    static_assert(Callable<H, Method> || Callable<H, Method, Sink&>,
                  "handle_tick and handle_end take nothing, or a Sink&, and are public");
    return Callable<H, Method> || Callable<H, Method, Sink&>;
  }
}

/// For Stage: runs handle_tick or handle_end, which may return nothing.
template <class Wrapped, class Method>
void produce_without_input(void* wrapped, Output& out) {
  auto& handler = unwrap(*static_cast<Wrapped*>(wrapped));
  using H = std::remove_reference_t<decltype(handler)>;
  if constexpr (Callable<H, Method, Sink&>) {
    produce<Method>(handler, out);
  } else if constexpr (std::is_void_v<decltype(Method::call(handler))>) {
    Method::call(handler);
  } else {
    produce<Method>(handler, out);
  }
}

/// For Stage: runs a producer's handle_produce on a value that came from elsewhere.
template <class Wrapped>
Taken produce_with(void* wrapped, const EventView& event, Output& out) {
  auto& handler = unwrap(*static_cast<Wrapped*>(wrapped));
  using H = std::remove_reference_t<decltype(handler)>;
  if constexpr (std::is_same_v<Parameter<H, HandleProduce, 0>, EventView>) {
    produce(handler, out, event);
    return Taken::yes;
  } else {
    return produce_from(handler, event, out, typename decltype(signature_of<H, HandleProduce>())::Inputs{});
  }
}

}  // namespace galena::detail
