// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstddef>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include "galena/export.hpp"
#include "galena/sink.hpp"

/// The methods that a handler may have: whether it has one, with which parameters, and how it is called.
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
/// also if that is overloaded, or a template. The same for the other methods.
struct AllMethods {
  void handle_consume();
  void handle_produce();
  void handle_tick();
  void handle_end();
};
template <class H>
struct WithAllMethods : H, AllMethods {};
template <class H>
concept Derivable = std::is_class_v<H> && !std::is_final_v<H>;

// How a handler is called. `Address`: the type of the method's address, if it has exactly one signature. `generic`: the
// method is a template.

struct HandleConsume {
  template <class H>
  using Address = decltype(&H::handle_consume);
  template <class H>
  static constexpr bool generic = requires {
    &H::template handle_consume<std::string_view>;
  }
  || requires { &H::template handle_consume<std::string_view, std::string_view>; };
  template <class H, class... In>
  static auto call(H& handler, In&&... in) -> decltype(handler.handle_consume(std::forward<In>(in)...)) {
    return handler.handle_consume(std::forward<In>(in)...);
  }
};

struct HandleProduce {
  template <class H>
  using Address = decltype(&H::handle_produce);
  template <class H>
  static constexpr bool generic = requires {
    &H::template handle_produce<std::string_view>;
  }
  || requires { &H::template handle_produce<std::string_view, std::string_view>; };
  template <class H, class... In>
  static auto call(H& handler, In&&... in) -> decltype(handler.handle_produce(std::forward<In>(in)...)) {
    return handler.handle_produce(std::forward<In>(in)...);
  }
};

struct HandleTick {
  template <class H>
  using Address = decltype(&H::handle_tick);
  template <class H, class... In>
  static auto call(H& handler, In&&... in) -> decltype(handler.handle_tick(std::forward<In>(in)...)) {
    return handler.handle_tick(std::forward<In>(in)...);
  }
};

struct HandleEnd {
  template <class H>
  using Address = decltype(&H::handle_end);
  template <class H, class... In>
  static auto call(H& handler, In&&... in) -> decltype(handler.handle_end(std::forward<In>(in)...)) {
    return handler.handle_end(std::forward<In>(in)...);
  }
};

struct CallOperator {
  template <class H>
  using Address = decltype(&H::operator());
  template <class H, class... In>
  requires std::invocable<H&, In...>
  static decltype(auto) call(H& handler, In&&... in) { return handler(std::forward<In>(in)...); }
};

template <class H, class Method>
concept HasOne = requires {
  typename Method::template Address<H>;
};

/// The handler has the method, perhaps overloaded, private, or as a template.
template <class H, class Method>
constexpr bool has_method() {
  if constexpr (Derivable<H>) {
    return !HasOne<WithAllMethods<H>, Method>;
  } else {
    return HasOne<H, Method>;
  }
}

/// How a handler of this type is called for a method: by its name if the handler has it.
template <class H, class Method>
using CallBy = std::conditional_t<has_method<H, Method>(), Method, CallOperator>;

template <class H, class Method>
auto signature_of() {
  if constexpr (HasOne<H, CallBy<H, Method>>) {
    return Signature<typename CallBy<H, Method>::template Address<H>>{};
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

}  // namespace galena::detail
