// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
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
#include "galena/detail/output.hpp"
#include "galena/event.hpp"
#include "galena/event_view.hpp"
#include "galena/export.hpp"
#include "galena/sink.hpp"

/// How handlers are recognised and called. A handler is a struct with handle_consume (for a Consumer) or handle_produce
/// (for a Producer or ProducerConsumer), or anything that can be called with the same arguments: a lambda, a function,
/// or std::ref of one of these. No base class, no macro.
namespace galena::detail {

/// The parameter types, as written, of a member function or of a callable that has exactly one signature; Unknown
/// otherwise.
struct Unknown {};
template <class... T>
struct Types {};
template <class... T, class... More>
Types<T..., More...> operator+(Types<T...>, Types<More...>);

template <class... A>
struct Parameters {
  template <std::size_t N>
  using Written = std::tuple_element_t<N, std::tuple<A..., Unknown, Unknown>>;
  /// What remains without a Sink&.
  using Inputs = decltype((std::conditional_t<std::is_same_v<A, Sink&>, Types<>, Types<std::remove_cvref_t<A>>>{} +
                           ... + Types<>{}));
};
template <class F>
struct Signature : Parameters<> {};
template <class R, class C, class... A>
struct Signature<R (C::*)(A...)> : Parameters<A...> {};
template <class R, class C, class... A>
struct Signature<R (C::*)(A...) const> : Parameters<A...> {};
template <class R, class C, class... A>
struct Signature<R (C::*)(A...) noexcept> : Parameters<A...> {};
template <class R, class C, class... A>
struct Signature<R (C::*)(A...) const noexcept> : Parameters<A...> {};
template <class R, class... A>
struct Signature<R (*)(A...)> : Parameters<A...> {};
template <class R, class... A>
struct Signature<R (*)(A...) noexcept> : Parameters<A...> {};

/// A class that derives from both a handler and this has no unambiguous handle_consume if the handler has one, too:
/// also if that is overloaded, or a template. The same for handle_produce.
struct BothNames {
  void handle_consume();
  void handle_produce();
};
template <class H>
struct WithBothNames : H, BothNames {};
template <class H>
concept Derivable = std::is_class_v<H> && !std::is_final_v<H>;

// The three ways to call a handler. `named`: the handler has the method. `addressable`: with exactly one signature.
// `generic`: the method is a template.

struct HandleConsume {
  template <class H>
  static constexpr bool addressable = requires {
    &H::handle_consume;
  };
  template <class H>
  static constexpr bool generic = requires {
    &H::template handle_consume<std::string_view>;
  }
  || requires { &H::template handle_consume<std::string_view, std::string_view>; };
  template <class H>
  static constexpr bool named() {
    if constexpr (Derivable<H>) {
      return !requires { &WithBothNames<H>::handle_consume; };
    } else {
      return addressable<H>;
    }
  }
  template <class H>
  static auto address() {
    return &H::handle_consume;
  }
  template <class H, class... In>
  requires requires(H& handler, In&&... in) { handler.handle_consume(std::forward<In>(in)...); }
  static decltype(auto) call(H& handler, In&&... in) { return handler.handle_consume(std::forward<In>(in)...); }
};

struct HandleProduce {
  template <class H>
  static constexpr bool addressable = requires {
    &H::handle_produce;
  };
  template <class H>
  static constexpr bool generic = requires {
    &H::template handle_produce<std::string_view>;
  }
  || requires { &H::template handle_produce<std::string_view, std::string_view>; };
  template <class H>
  static constexpr bool named() {
    if constexpr (Derivable<H>) {
      return !requires { &WithBothNames<H>::handle_produce; };
    } else {
      return addressable<H>;
    }
  }
  template <class H>
  static auto address() {
    return &H::handle_produce;
  }
  template <class H, class... In>
  requires requires(H& handler, In&&... in) { handler.handle_produce(std::forward<In>(in)...); }
  static decltype(auto) call(H& handler, In&&... in) { return handler.handle_produce(std::forward<In>(in)...); }
};

struct CallOperator {
  template <class H>
  static constexpr bool addressable = requires {
    &H::operator();
  };
  template <class H>
  static auto address() {
    return &H::operator();
  }
  template <class H, class... In>
  requires std::invocable<H&, In...>
  static decltype(auto) call(H& handler, In&&... in) { return handler(std::forward<In>(in)...); }
};

/// How a handler of this type is called for a method: by its name if the handler has it.
template <class H, class Method>
using CallBy = std::conditional_t<Method::template named<H>(), Method, CallOperator>;

template <class H, class Method>
auto signature_of() {
  if constexpr (CallBy<H, Method>::template addressable<H>) {
    return Signature<decltype(CallBy<H, Method>::template address<H>())>{};
  } else {
    return Signature<std::decay_t<H>>{};
  }
}
template <class H, class Method, std::size_t N>
using WrittenParameter = typename decltype(signature_of<H, Method>())::template Written<N>;
template <class H, class Method, std::size_t N>
using Parameter = std::remove_cvref_t<WrittenParameter<H, Method, N>>;

template <class H, class Method, class... In>
concept Callable = requires(H& handler, In&&... in) {
  CallBy<H, Method>::call(handler, std::forward<In>(in)...);
};

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
  } else if constexpr (Method::template named<H>() && !Method::template addressable<H> &&
                       !Method::template generic<H>) {
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
  if constexpr (!is_consumer_handler<H> && !HandleConsume::named<H>() && HandleProduce::named<H>()) {
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
  if constexpr (!is_relay_handler<H> && !HandleProduce::named<H>() && HandleConsume::named<H>()) {
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
  static_assert(HandleProduce::named<H>() || !HandleConsume::named<H>(),
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

/// Runs handle_produce with these inputs, and with a sink if it takes one. What it made goes to `out` at the end.
template <class Wrapped, class Out, class... In>
void produce(Wrapped& wrapped, Out& out, In&&... in) {
  auto& handler = unwrap(wrapped);
  using H = std::remove_reference_t<decltype(handler)>;
  using Call = CallBy<H, HandleProduce>;
  if constexpr (Callable<H, HandleProduce, In..., Sink&>) {
    static_assert(std::is_void_v<decltype(Call::call(handler, std::forward<In>(in)..., std::declval<Sink&>()))>,
                  "a handle_produce that takes a Sink& returns nothing");
    Sink& sink = out.sink();
    Call::call(handler, std::forward<In>(in)..., sink);
    out.put(sink.events());
  } else if constexpr (Callable<H, HandleProduce, In...>) {
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
